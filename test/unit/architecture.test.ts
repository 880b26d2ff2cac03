import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Which package stands where, and which of our packages its product code may import. Dependencies point one way. */
const RULES: Readonly<Record<string, { name: string; may: readonly string[] }>> = {
  'packages/ip': { name: '@herald/ip', may: [] },
  'packages/kube': { name: '@herald/kube', may: [] },
  'packages/process': { name: '@herald/process', may: [] },
  'packages/raw-socket': { name: 'raw-socket', may: [] },
  'packages/bgp-speaker-lite': { name: 'bgp-speaker-lite', may: ['raw-socket'] },
  'packages/kube-apiserver-lite': { name: 'kube-apiserver-lite', may: [] },
  'crds/src': { name: '@herald/crds', may: ['@herald/ip'] },
  'charts/src': { name: '@herald/charts', may: ['@herald/crds'] },
  controller: { name: '@herald/controller', may: ['@herald/crds', '@herald/ip', '@herald/kube', '@herald/process'] },
  speaker: {
    name: '@herald/speaker',
    may: ['@herald/crds', '@herald/ip', '@herald/kube', '@herald/process', 'raw-socket', 'bgp-speaker-lite'],
  },
  playground: { name: '@herald/playground', may: ['@herald/crds', '@herald/ip', '@herald/kube', 'kube-apiserver-lite', 'raw-socket'] },
  cli: {
    name: '@herald/cli',
    may: ['@herald/controller', '@herald/crds', '@herald/ip', '@herald/kube', '@herald/playground', '@herald/process', '@herald/speaker'],
  },
};
const OURS = new Set(Object.values(RULES).map(rule => rule.name));
/** Tests may stand on the embedded API server, whatever they test. */
const TESTS_MAY = new Set(['kube-apiserver-lite']);

interface Import {
  file: string;
  what: string;
}

function importsOf(folder: string): Import[] {
  const files = (readdirSync(resolve(root, folder), { recursive: true }) as string[]).filter(
    file => /\.(ts|mjs)$/.test(file) && !file.split(sep).includes('node_modules'),
  );
  return files.flatMap(file => {
    const text = readFileSync(resolve(root, folder, file), 'utf8');
    const found = text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g,
    );
    return [...found].map(match => ({ file: `${folder}/${file}`, what: match[1] ?? match[2] ?? match[3] ?? '' }));
  });
}

describe.each(Object.entries(RULES))('%s', (folder, rule) => {
  const imports = importsOf(folder);

  it('imports only what lies below it', () => {
    const wrong = imports.filter(({ file, what }) => {
      const name = what.startsWith('@') ? what.split('/').slice(0, 2).join('/') : (what.split('/')[0] ?? '');
      if (!OURS.has(name) || name === rule.name || rule.may.includes(name)) return false;
      return !(isTest(file) && TESTS_MAY.has(name));
    });
    expect(wrong).toEqual([]);
  });

  it('reaches no other package by a relative path', () => {
    const home = resolve(root, folder) + sep;
    const wrong = imports.filter(({ file, what }) => what.startsWith('.') && !resolve(root, dirname(file), what).startsWith(home));
    expect(wrong).toEqual([]);
  });
});

it('leaves koffi to raw-socket', () => {
  const wrong = Object.keys(RULES)
    .filter(folder => folder !== 'packages/raw-socket')
    .flatMap(folder => importsOf(folder).filter(({ what }) => what === 'koffi'));
  expect(wrong).toEqual([]);
});

it('knows every workspace', () => {
  const { workspaces } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { workspaces: string[] };
  const folders = workspaces.flatMap(pattern =>
    pattern.endsWith('/*') ? readdirSync(resolve(root, pattern.slice(0, -2))).map(name => pattern.replace('*', name)) : [pattern],
  );
  const packages = folders.filter(folder => existsSync(resolve(root, folder, 'package.json')));
  expect(packages.filter(folder => !(folder in RULES))).toEqual([]);
  expect(packages.length).toBeGreaterThan(5);
});

function isTest(file: string): boolean {
  return file.endsWith('.test.ts') || file.includes('/testing/') || file.includes('/test/');
}
