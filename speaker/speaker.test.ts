import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectTo } from '@herald/kube';
import { createLogger, createRegistry } from '@herald/process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { saveSnapshot } from './snapshot.ts';
import { Speaker } from './speaker.ts';
import type { WireEvent, WireOptions } from './wire/messages.ts';
import { segmentReport } from './wire/testing.ts';
import type { WireThread } from './wire/thread.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'herald-speaker-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Reports once a second, and does nothing else. */
class SilentWire {
  readonly ended = new Promise<undefined>(() => undefined);
  #timer: NodeJS.Timeout | undefined;

  begin(_: WireOptions, onEvent: (event: WireEvent) => void): void {
    this.#timer = setInterval(() => onEvent({ kind: 'report', segments: [segmentReport()], excluded: [] }), 100);
  }

  command(): void {
    // Nothing is announced here.
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }
}

it('tells the age of the snapshot it works from while the API server is away', async () => {
  const savedAt = Date.now() - 90_000;
  await saveSnapshot(directory, { savedAt, node: 'a', clusterUid: 'uid', secrets: [Buffer.alloc(32, 7)], nodes: [], addresses: [] });
  const logger = createLogger({ component: 'test', level: 'silent' });
  const registry = createRegistry({ component: 'speaker', version: '1' });
  // Nobody listens there.
  const client = connectTo('http://127.0.0.1:9', { qps: 0 });
  const options = { logger, env: {}, version: '1', namespace: 'herald-system', qps: 0, burst: 1, nodeName: 'a', snapshotDir: directory };
  const speaker = new Speaker(options, client, registry, new SilentWire() as unknown as WireThread);
  const stop = new AbortController();
  const running = speaker.run(stop.signal);
  const age = async () => Number(/^herald_speaker_snapshot_age_seconds (\S+)$/m.exec(await registry.metrics())?.[1]);
  try {
    await expect.poll(age, { timeout: 20_000, interval: 100 }).toBeGreaterThanOrEqual(90);
  } finally {
    stop.abort();
    await running;
    client.close();
  }
}, 40_000);
