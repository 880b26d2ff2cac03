import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadSnapshot, type Snapshot, saveSnapshot } from './snapshot.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'herald-snapshot-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const snapshot: Snapshot = {
  savedAt: 1_700_000_000_000,
  node: 'node-1',
  clusterUid: 'uid',
  secrets: [Buffer.from('0123456789abcdef')],
  nodes: [{ name: 'b', addresses: ['192.0.2.41', '2001:db8::41'] }],
  addresses: [
    {
      ip: '192.0.2.1',
      nodes: ['node-1'],
      interfaces: [],
      eligible: true,
      epoch: 3,
      hold: 30_000,
      drain: 60_000,
      restored: [],
      lameDucks: [],
      announcements: ['default/web'],
    },
  ],
};

it('reads what it wrote, for its own node only', async () => {
  await saveSnapshot(join(directory, 'made'), snapshot);
  expect(await loadSnapshot(join(directory, 'made'), 'node-1')).toEqual(snapshot);
  expect(await loadSnapshot(join(directory, 'made'), 'node-2')).toBeUndefined();
});

it('reads what a version wrote that knew only addresses of others, and writes what it reads', async () => {
  const { nodes, ...before } = snapshot;
  const hints = ['192.0.2.41', '2001:db8::41'];
  const file = join(directory, 'speaker-node-1.json');
  await writeFile(file, JSON.stringify({ version: 1, ...before, hints, secrets: ['AAAA'] }));
  expect((await loadSnapshot(directory, 'node-1'))?.nodes).toEqual(hints.map(address => ({ name: address, addresses: [address] })));
  await saveSnapshot(directory, snapshot);
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ version: 1, hints, nodes });
});

it('is readable by its owner only, and leaves no other file', async () => {
  await saveSnapshot(directory, snapshot);
  await saveSnapshot(directory, snapshot);
  const [file, ...others] = await readdir(directory);
  expect(others).toEqual([]);
  expect((await stat(join(directory, file ?? ''))).mode & 0o777).toBe(0o600);
});

it.each([
  ['cut off', '{"version":1,"savedAt":17'],
  ['of another version', JSON.stringify({ ...snapshot, version: 2, secrets: ['AAAA'] })],
  ['without keys', JSON.stringify({ ...snapshot, version: 1, secrets: [] })],
  ['something else', '[]'],
])('says which file cannot be used: %s', async (_, text) => {
  await writeFile(join(directory, 'speaker-node-1.json'), text);
  await expect(loadSnapshot(directory, 'node-1')).rejects.toThrow(join(directory, 'speaker-node-1.json'));
});
