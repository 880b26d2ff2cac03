import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiVersion, bgpPeer, kinds, type Speaker as SpeakerResource, toCustomResourceDefinition } from '@herald/crds';
import {
  type Client,
  type Clock,
  connectTo,
  customResourceDefinitions,
  Informer,
  type KubeObject,
  namespaces,
  nodes,
  sleep,
  systemClock,
} from '@herald/kube';
import { until } from '@herald/kube/testing';
import { createLogger, createRegistry, type Registry } from '@herald/process';
import { startApiServer } from 'kube-apiserver-lite';
import { describe, expect, it, type TestContext } from 'vitest';
import { announcements, resourceOf, speakers } from './resources.ts';
import { loadSnapshot, type Snapshot, saveSnapshot } from './snapshot.ts';
import { Speaker } from './speaker.ts';
import type { SegmentReport, WireEvent, WireOptions } from './wire/messages.ts';
import { segmentReport } from './wire/testing.ts';
import type { WireThread } from './wire/thread.ts';

const IP = '192.0.2.1';
const SEGMENT = '192.0.2.0/24';
const MAC = '02:00:00:00:00:01';

/** Listens for a moment, reports ten times a second, as far as it is to, and does nothing else. */
class SilentWire {
  die: (error: Error) => void = () => undefined;
  readonly ended = new Promise<Error>(resolve => {
    this.die = resolve;
  });
  options: WireOptions | undefined;
  tell: (event: WireEvent) => void = () => undefined;
  readonly #restoring: number | 'mute';
  #timer: NodeJS.Timeout | undefined;

  constructor(restoring: number | 'mute' = 0) {
    this.#restoring = restoring;
  }

  begin(options: WireOptions, onEvent: (event: WireEvent) => void): void {
    this.options = options;
    this.tell = onEvent;
    if (this.#restoring === 'mute') return;
    const restoring = this.#restoring;
    const report = (more: Partial<SegmentReport>): void =>
      onEvent({ kind: 'report', segments: [segmentReport({ restoring, ...more })], excluded: [] });
    setImmediate(() => report({ listening: true }));
    this.#timer = setInterval(() => report({ peersHeard: ['b'] }), 100);
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

async function temporaryDirectory({ onTestFinished }: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'herald-speaker-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

interface Started {
  speaker: Speaker;
  running: Promise<void>;
  registry: Registry;
  stop: () => Promise<void>;
}

function start(client: Client, snapshotDir: string, wire: SilentWire): Started {
  const logger = createLogger({ component: 'test', level: 'silent' });
  const registry = createRegistry({ component: 'speaker', version: '1' });
  const options = { logger, env: {}, version: '1', namespace: 'herald-system', qps: 0, burst: 1, nodeName: 'a', snapshotDir };
  const speaker = new Speaker(options, client, registry, wire as unknown as WireThread);
  const stopped = new AbortController();
  const running = speaker.run(stopped.signal);
  running.catch(() => undefined);
  const stop = async (): Promise<void> => {
    stopped.abort();
    await running;
    client.close();
  };
  return { speaker, running, registry, stop };
}

/** An API server on which the node a owns an address. */
async function cluster({ onTestFinished }: TestContext, clock: Clock = systemClock) {
  const server = await startApiServer();
  const client = connectTo(server.url, { qps: 0, clock });
  onTestFinished(async () => {
    client.close();
    await server.close();
  });
  for (const kind of kinds) await client.create(customResourceDefinitions, toCustomResourceDefinition(kind));
  await client.create(announcements, {
    apiVersion,
    kind: 'Announcement',
    metadata: { name: 'web', namespace: 'default' },
    spec: { addresses: [{ ip: IP, pool: 'lan', layer2: { nodes: ['a', 'b'], interfaces: [] } }] },
  });
  const owner = {
    ip: IP,
    segment: SEGMENT,
    node: 'a',
    interface: 'eth0',
    mac: MAC,
    since: '2026-01-01T00:00:00Z',
    epoch: 3,
  };
  await client.patch(
    announcements,
    { name: 'web', namespace: 'default' },
    { status: { owners: [owner] } },
    { type: 'merge', subresource: 'status' },
  );
  await client.create(nodes, { metadata: { name: 'a' } });
  const uid = (await client.get(namespaces, { name: 'kube-system' })).metadata.uid ?? '';
  return { server, client, uid };
}

const savedBy = (clusterUid: string, more: Partial<Snapshot> = {}): Snapshot => ({
  savedAt: Date.now() - 90_000,
  node: 'a',
  clusterUid,
  secrets: [Buffer.alloc(32, 7)],
  nodes: [],
  addresses: [],
  ...more,
});

describe('Speaker', { concurrent: true, timeout: 40_000 }, () => {
  it('tells the age of the snapshot it works from while the API server is away', async context => {
    const directory = await temporaryDirectory(context);
    await saveSnapshot(directory, savedBy('uid'));
    // Nobody listens there.
    const wire = new SilentWire();
    const { registry, stop } = start(connectTo('http://127.0.0.1:9', { qps: 0 }), directory, wire);
    const age = async () => Number(/^herald_speaker_snapshot_age_seconds (\S+)$/m.exec(await registry.metrics())?.[1]);
    try {
      // Whoever waits for one answer in vain does not wait for the next: hold times may be short.
      await until(() => wire.options !== undefined, 'the wire', 4_000);
      await expect.poll(age, { timeout: 20_000, interval: 100 }).toBeGreaterThanOrEqual(90);
    } finally {
      await stop();
    }
  });

  it('begins with the keys of the snapshot where those of the API are late, and keeps it when ended before its claims are taken up', async context => {
    const directory = await temporaryDirectory(context);
    const { server, client, uid } = await cluster(context);
    server.faults.add({ resource: 'secrets', latencyMs: 60_000 });
    const saved = savedBy(uid);
    await saveSnapshot(directory, saved);
    const wire = new SilentWire(1);
    const { stop } = start(client, directory, wire);
    await until(() => wire.options !== undefined, 'the wire', 10_000);
    await stop();
    expect(wire.options?.secrets).toEqual(saved.secrets);
    expect(await loadSnapshot(directory, 'a')).toEqual(saved);
  });

  it('ends its BGP sessions, which would keep the process, when the wire thread dies', async context => {
    const directory = await temporaryDirectory(context);
    const { client } = await cluster(context);
    const open = new Set<Socket>();
    const router = createServer(socket => {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.resume().on('close', () => open.delete(socket));
    });
    await new Promise<void>(resolve => router.listen(0, '127.0.0.1', resolve));
    context.onTestFinished(() => void router.close());
    const spec = { myASN: 64_501, peerASN: 64_500, peerAddress: '127.0.0.1', peerPort: (router.address() as AddressInfo).port };
    await client.create(namespaces, { metadata: { name: 'herald-system' } });
    await client.create(resourceOf<KubeObject & { spec: object }>(bgpPeer), {
      apiVersion,
      kind: 'BGPPeer',
      metadata: { name: 'router', namespace: 'herald-system' },
      spec,
    });
    const wire = new SilentWire();
    const { running } = start(client, directory, wire);
    await until(() => open.size > 0, 'the session');
    wire.die(new Error('out of memory'));
    await expect(running).rejects.toMatchObject({ code: 'wire-thread-ended' });
    await until(() => open.size === 0, 'the end of the session', 1_000);
  });

  it('says nothing before it knows its interfaces and neighbours: without an interface that is named, the node would lose its addresses', async context => {
    const directory = await temporaryDirectory(context);
    const { client } = await cluster(context);
    const before = {
      version: '0',
      segments: [{ interface: 'eth0', segment: SEGMENT, mac: MAC, carrier: true, fit: true, peersHeard: ['b'], stalls: 0 }],
    };
    const speaker: SpeakerResource = { apiVersion, kind: 'Speaker', metadata: { name: 'a' } };
    await client.create(speakers, speaker);
    await client.apply(speakers, { ...speaker, status: before }, { subresource: 'status', fieldManager: 'herald-speaker-a', force: true });
    const told: string[] = [];
    const informer = new Informer(client, speakers);
    informer.on(event => {
      if (event.type === 'synced') return;
      const { version, segments = [] } = event.object.status ?? {};
      told.push(`${version}: ${segments.map(segment => `${segment.interface} ${segment.peersHeard?.join()}`).join()}`);
    });
    informer.start();
    context.onTestFinished(() => informer.stop());
    const wire = new SilentWire();
    const { stop } = start(client, directory, wire);
    await until(() => told.some(each => each.startsWith('1')), 'the status');
    await stop();
    expect([...new Set(told)]).toEqual(['0: eth0 b', '1: eth0 b']);
  });

  it('counts as hung although the wire thread never reported', async context => {
    const directory = await temporaryDirectory(context);
    let later = 0;
    const { client } = await cluster(context, { ...systemClock, now: () => systemClock.now() + later });
    const wire = new SilentWire('mute');
    const { speaker, stop } = start(client, directory, wire);
    await until(() => wire.options !== undefined, 'the wire');
    expect(speaker.hung()).toBeUndefined();
    later = 6_000;
    expect(speaker.hung()).toContain('has not reported for 6 s');
    await stop();
  });

  it('waits for its claims where no snapshot tells them: not that of another cluster', async context => {
    const directory = await temporaryDirectory(context);
    const { server, client, uid } = await cluster(context);
    server.faults.add({ resource: 'announcements', latencyMs: 4_000, times: 1 });
    await saveSnapshot(directory, savedBy('other'));
    const wire = new SilentWire();
    const { speaker, stop } = start(client, directory, wire);
    await until(() => speaker.problem() === 'waiting for the Announcements', 'the reason');
    await until(() => wire.options !== undefined, 'the wire', 20_000);
    await stop();
    expect(wire.options).toMatchObject({ clusterUid: uid, addresses: [{ ip: IP, restored: [{ segment: SEGMENT, epoch: 3 }] }] });
  });

  it('ends where it began from the snapshot of another cluster, and drops that', async context => {
    const directory = await temporaryDirectory(context);
    const { server, client } = await cluster(context);
    server.faults.add({ verb: 'get', resource: 'namespaces', latencyMs: 3_000, times: 1 });
    await saveSnapshot(directory, savedBy('other'));
    const wire = new SilentWire();
    const { running } = start(client, directory, wire);
    await expect(running).rejects.toMatchObject({ code: 'other-cluster' });
    expect(wire.options).toMatchObject({ clusterUid: 'other' });
    expect(await loadSnapshot(directory, 'a')).toBeUndefined();
  });

  it.for([
    ['a write is answered', 0],
    ['a write is not answered', 60_000],
  ] as const)('ends in time and leaves no timer that would keep the process where %s', async ([, latencyMs], context) => {
    const directory = await temporaryDirectory(context);
    const pending = new Set<object>();
    const { server, client } = await cluster(context, countingClock(pending));
    server.faults.add({ resource: 'announcements', subresource: 'status', latencyMs });
    const wire = new SilentWire();
    const { stop } = start(client, directory, wire);
    await until(() => wire.options !== undefined, 'the wire');
    wire.tell({ kind: 'acquired', ip: IP, segment: SEGMENT, interface: 'eth0', mac: MAC, epoch: 4, cause: 'peer-lost' });
    await sleep(systemClock, 200);
    const began = performance.now();
    await stop();
    // A request is waited for up to 30 s; the process is killed before.
    expect(performance.now() - began).toBeLessThan(20_000);
    await until(() => pending.size === 0, 'what was under way to be given up', 1_000);
  });
});

/** Knows the timers that are still to come. */
function countingClock(pending: Set<object>): Clock {
  return {
    ...systemClock,
    after: (ms, run) => {
      const entry = {};
      pending.add(entry);
      const timer = systemClock.after(ms, () => {
        pending.delete(entry);
        run();
      });
      const cancel = (): void => {
        pending.delete(entry);
        timer.cancel();
      };
      return { cancel };
    },
  };
}
