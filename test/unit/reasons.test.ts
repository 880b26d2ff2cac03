import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { catalogue } from '@herald/crds';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Every reason that the sources of a daemon write out, with the file it stands in. */
function reasonsIn(folder: string): { file: string; reason: string }[] {
  const files = readdirSync(root + folder, { recursive: true, encoding: 'utf8' }).filter(
    file => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('node_modules'),
  );
  return files.flatMap(file => {
    const lines = readFileSync(`${root}${folder}/${file}`, 'utf8').match(/\breason: [^\n]*/g) ?? [];
    const names = lines.flatMap(line =>
      [...line.replace(/, (message|action|type):.*/, '').matchAll(/'([A-Z][A-Za-z]+)'/g)].map(([, name]) => name ?? ''),
    );
    return names.map(reason => ({ file: `${folder}/${file}`, reason }));
  });
}

/** Every text in quotes in the sources of a folder. */
function quotedIn(folder: string): string[] {
  const files = readdirSync(root + folder, { recursive: true, encoding: 'utf8' }).filter(
    file => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('node_modules') && !file.startsWith('reasons/'),
  );
  return files.flatMap(file =>
    [...readFileSync(`${root}${folder}/${file}`, 'utf8').matchAll(/'([A-Z][A-Za-z]+)'/g)].map(([, name]) => name ?? ''),
  );
}

it('every reason of the catalogue is given by somebody', () => {
  const given = new Set(['controller', 'speaker', 'crds/src', 'cli'].flatMap(quotedIn));
  expect([...catalogue.keys()].filter(reason => !given.has(reason))).toEqual([]);
});

describe.each(['controller', 'speaker'])('%s', folder => {
  it('gives only reasons of the catalogue', () => {
    const found = reasonsIn(folder);
    expect(found.length).toBeGreaterThan(0);
    const statuses = new Set(['True', 'False', 'Unknown']);
    expect(found.filter(({ reason }) => !statuses.has(reason) && !catalogue.has(reason as Parameters<typeof catalogue.has>[0]))).toEqual(
      [],
    );
  });
});
