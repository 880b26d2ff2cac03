import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@herald/kube';
import { createLogger } from '@herald/process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadSnapshot, type Snapshot } from './snapshot.ts';
import { SnapshotWriter } from './snapshot-writer.ts';

let directory: string;
let lines: string[];
let taken: number;
let timers: (() => void)[];
let writer: SnapshotWriter;

const snapshot = (savedAt: number): Snapshot => ({
  savedAt,
  node: 'a',
  clusterUid: 'uid',
  secrets: [Buffer.alloc(32, 7)],
  nodes: [],
  addresses: [],
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'herald-writer-'));
  lines = [];
  taken = 0;
  timers = [];
  const clock = {
    ...systemClock,
    after: (_: number, run: () => void) => {
      timers.push(run);
      return { cancel: () => timers.splice(timers.indexOf(run), 1) };
    },
  };
  const logger = createLogger({ component: 'test', to: { write: line => lines.push((JSON.parse(line) as { msg: string }).msg) } });
  writer = new SnapshotWriter(join(directory, 'snapshots'), clock, logger, () => snapshot(++taken));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Some seconds in which something changes all the time, and the disk does not answer. */
function busy(seconds: number): void {
  for (let second = 0; second < seconds; second++) {
    writer.changed();
    timers.shift()?.();
  }
}

it('writes the latest, and piles nothing up while the disk is slow', async () => {
  busy(100);
  await writer.stop();
  expect(taken).toBe(1);
  expect((await loadSnapshot(join(directory, 'snapshots'), 'a'))?.savedAt).toBe(1);
  writer.changed();
  await writer.stop();
  expect((await loadSnapshot(join(directory, 'snapshots'), 'a'))?.savedAt).toBe(2);
});

it('says once that it cannot write, and once that it can again', async () => {
  // In the way of the folder.
  await writeFile(join(directory, 'snapshots'), '');
  for (let change = 0; change < 3; change++) {
    writer.changed();
    await writer.stop();
  }
  expect(lines).toEqual([expect.stringContaining('cannot write the snapshot')]);
  await rm(join(directory, 'snapshots'));
  for (let change = 0; change < 2; change++) {
    writer.changed();
    await writer.stop();
  }
  expect(lines.slice(1)).toEqual([expect.stringContaining('again')]);
});
