import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { derivedSecret, readKeyFile, secretsOf } from './mesh-key.ts';

const KEY = Buffer.alloc(32, 1).toString('base64');
const OLD = Buffer.alloc(32, 2).toString('base64');

it.each<[string, Record<string, string> | undefined, number, RegExp | undefined]>([
  ['a key', { key: KEY }, 1, undefined],
  ['a key and the one before', { previous: OLD, key: KEY }, 2, undefined],
  ['the one before alone', { previous: OLD }, 0, /data\.key is missing/],
  ['no data', undefined, 0, /data\.key is missing/],
  ['a key that is too short', { key: 'YWJj' }, 0, /data\.key has 3 octets; at least 16/],
  ['a key that is no base64', { key: '%%%%' }, 0, /data\.key has 0 octets/],
])('a Secret with %s', (_, data, count, problem) => {
  const found = secretsOf(data);
  expect(found.secrets).toHaveLength(count);
  if (problem === undefined) expect(found.problem).toBeUndefined();
  else expect(found.problem).toMatch(problem);
});

it('puts the newest key first', () => {
  expect(secretsOf({ previous: OLD, key: KEY }).secrets.map(secret => secret[0])).toEqual([1, 2]);
});

it('derives another key for every cluster, and the same one for all nodes of it', () => {
  expect(derivedSecret('a')).toEqual(derivedSecret('a'));
  expect(derivedSecret('a')).not.toEqual(derivedSecret('b'));
});

it('names the key file that cannot be used, never its content', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'herald-key-'));
  try {
    const file = join(directory, 'key');
    await expect(readKeyFile(file)).rejects.toThrow(file);
    await writeFile(file, 'too short');
    await expect(readKeyFile(file)).rejects.toThrow(/9 octets; write at least 16/);
    await expect(readKeyFile(file)).rejects.not.toThrow(/too short/);
    await writeFile(file, Buffer.alloc(32, 3));
    expect(await readKeyFile(file)).toEqual(Buffer.alloc(32, 3));
  } finally {
    await rm(directory, { recursive: true });
  }
});
