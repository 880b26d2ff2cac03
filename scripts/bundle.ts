import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** `npm run bundle [FOLDER]`: what the image holds, into `dist/` or another folder. One `herald.mjs`, its worker beside it, and koffi (whose binary cannot be bundled) under node_modules. */
const root = fileURLToPath(new URL('..', import.meta.url));
const out = resolve(process.argv[2] ?? join(root, 'dist'));

/** CommonJS leftovers in a bundle call `require`. */
const banner = {
  js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
};

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
  keepNames: true,
  legalComments: 'linked',
  // The embedded API server and the playground stay out of the image: they are for development.
  external: ['koffi', 'kube-apiserver-lite', '@herald/playground'],
  banner,
  metafile: true,
});
copyPackage('koffi');
copyPackage(`@koromix/koffi-linux-${process.arch}`);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
writeFileSync(join(out, 'package.json'), `${JSON.stringify({ name: 'herald', version, type: 'module', private: true }, null, 2)}\n`);
for (const [file, { bytes }] of Object.entries(result.metafile.outputs)) {
  if (file.endsWith('.mjs')) console.log(`${file}  ${(bytes / 1024).toFixed(0)} KiB`);
}

function copyPackage(name: string): void {
  const path = join('node_modules', name);
  cpSync(join(root, path), join(out, path), { recursive: true, dereference: true });
}
