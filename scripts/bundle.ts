import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { packagesOf, spdx } from './sbom.ts';

/**
 * `npm run bundle [FOLDER [PLUGIN]]`: what the image holds, into `dist/` or another folder. One `herald.mjs`, its worker beside it, and koffi
 * (whose binary cannot be bundled) under node_modules. PLUGIN: a module whose default export is an esbuild plugin, for a build that differs.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const out = resolve(process.argv[2] ?? join(root, 'dist'));

/** CommonJS leftovers in a bundle call `require`. */
const banner = {
  js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
};

/** zod's messages in fifty languages are half of the code that a daemon would read at its start; English is enough for a log. */
const oneLanguage: Plugin = {
  name: 'one-language',
  setup(building) {
    building.onResolve({ filter: /\/locales\/index\.js$/ }, ({ resolveDir }) =>
      /\/zod\/v4\//.test(resolveDir) ? { path: join(resolveDir, '../locales'), namespace: 'locales' } : undefined,
    );
    building.onLoad({ filter: /.*/, namespace: 'locales' }, ({ path }) => ({
      contents: "export { default as en } from './en.js';",
      resolveDir: path,
    }));
  },
};

const more = process.argv[3] === undefined ? [] : [((await import(resolve(process.argv[3]))) as { default: Plugin }).default];

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const result = await build({
  absWorkingDir: root,
  // Workers are files of their own beside the bundle, under the name that the source starts them by.
  entryPoints: [
    { in: 'cli/herald.ts', out: 'herald' },
    { in: 'speaker/wire/worker.ts', out: 'worker' },
    { in: 'packages/bgp-speaker-lite/src/bfd/bfd-worker.ts', out: 'bfd-worker' },
  ],
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  chunkNames: '[name]-[hash]',
  platform: 'node',
  target: 'node20',
  format: 'esm',
  minify: true,
  legalComments: 'linked',
  // The embedded API server and the playground stay out of the image: they are for development.
  external: ['koffi', 'kube-apiserver-lite', '@herald/playground'],
  banner,
  plugins: [oneLanguage, ...more],
  metafile: true,
});
// The sources run by tsx; the bundle is a program of its own, under any name (`kubectl-herald`).
const program = join(out, 'herald.mjs');
writeFileSync(program, readFileSync(program, 'utf8').replace(/^#!.*/, '#!/usr/bin/env node'), { mode: 0o755 });
const native = ['koffi', `@koromix/koffi-linux-${process.arch}`].map(name => join('node_modules', name));
for (const folder of native) {
  const needed = (path: string) =>
    !/(^|\/)(doc|vendor)(\/|$)|\.(cc|hh|inc|asm|S|d\.ts|md)$/.test(path.slice(join(root, folder).length + 1));
  cpSync(join(root, folder), join(out, folder), { recursive: true, dereference: true, filter: needed });
}
const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string; license: string };
writeFileSync(join(out, 'package.json'), `${JSON.stringify({ name: 'herald', version, type: 'module', private: true }, null, 2)}\n`);
const files = Object.keys(result.metafile.inputs).filter(path => !path.startsWith('locales:'));
const inputs = [...files, ...native.map(folder => join(folder, 'package.json'))];
// Reproducible builds say when they are made.
const created = new Date(Number(process.env['SOURCE_DATE_EPOCH'] ?? Date.now() / 1000) * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
const bill = spdx({ name: 'herald', version, license }, packagesOf(inputs, root), created);
writeFileSync(join(out, 'sbom.spdx.json'), `${JSON.stringify(bill, null, 2)}\n`);
for (const [file, { bytes }] of Object.entries(result.metafile.outputs)) {
  if (file.endsWith('.mjs')) console.log(`${file}  ${(bytes / 1024).toFixed(0)} KiB`);
}
