import { type Announcement, apiVersion, kinds, toCustomResourceDefinition } from '@herald/crds';
import { type Client, connectTo, customResourceDefinitions, EventRecorder, events, Informer, sleep } from '@herald/kube';
import { createLogger, createRegistry } from '@herald/process';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FlowTable } from './flows.ts';
import { Layer2Speaker } from './layer2-speaker.ts';
import { nodeIdOf } from './mesh/authentication.ts';
import { SpeakerMetrics } from './metrics.ts';
import { announcements, speakers } from './resources.ts';
import { SpeakerObject } from './speaker-object.ts';
import { speakerView } from './speaker-view.ts';
import type { WireCommand, WireEvent } from './wire/messages.ts';
import { segmentReport } from './wire/testing.ts';

const IP = '192.0.2.1';
const SEGMENT = '192.0.2.0/24';

let server: ApiServer;
let client: Client;
let stop: AbortController;
let running: Promise<void>[];

beforeAll(async () => {
  server = await startApiServer();
  client = connectTo(server.url, { qps: 0 });
  for (const kind of kinds) await client.create(customResourceDefinitions, toCustomResourceDefinition(kind));
  await eventually(async () => {
    await client.list(announcements);
    await client.list(speakers);
    return true;
  });
});

afterAll(async () => {
  client?.close();
  await server?.close();
});

beforeEach(() => {
  stop = new AbortController();
  running = [];
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  if ((await client.find(announcements, { name: 'web', namespace: 'default' })) === undefined) return;
  await client.delete(announcements, { name: 'web', namespace: 'default' });
});

/** The main thread's part of layer 2 on a node, with the wire thread played by the test. */
async function start(
  node: string,
  flowTable: FlowTable | 'off' = 'off',
  restoring = 0,
  api = client,
): Promise<{ layer2: Layer2Speaker; commands: WireCommand[]; warnings: string[] }> {
  const informer = new Informer<Announcement>(api, announcements);
  const commands: WireCommand[] = [];
  const warnings: string[] = [];
  const layer2 = new Layer2Speaker({
    node,
    client: api,
    informer,
    recorder: new EventRecorder(api, { component: 'heraldlb.io/speaker', instance: node }),
    metrics: new SpeakerMetrics(createRegistry({ component: 'speaker', version: 'test' })),
    logger: createLogger({ component: 'test', level: 'warn', to: { write: line => warnings.push(line) } }),
    hold: 0,
    drain: 60_000,
    flowTable,
    command: command => commands.push(command),
    onPlan: () => undefined,
  });
  informer.start(stop.signal);
  running.push(layer2.run(stop.signal));
  await informer.synced(stop.signal);
  layer2.event(report(restoring));
  return { layer2, commands, warnings };
}

const report = (restoring: number): WireEvent => ({ kind: 'report', segments: [segmentReport({ restoring })], excluded: [] });

async function plan(nodes: string[], name = 'web'): Promise<void> {
  await client.create(announcements, {
    apiVersion,
    kind: 'Announcement',
    metadata: { name, namespace: 'default' },
    spec: { addresses: [{ ip: IP, pool: 'lan', layer2: { nodes, interfaces: [] } }] },
  });
}

const acquired = (epoch: number, mac = '02:00:00:00:00:01'): WireEvent & { kind: 'acquired' } => ({
  kind: 'acquired',
  ip: IP,
  segment: SEGMENT,
  interface: 'eth0',
  mac,
  epoch,
  cause: epoch > 1 ? 'peer-lost' : 'unclaimed',
});
const released: WireEvent & { kind: 'released' } = {
  kind: 'released',
  ip: IP,
  segment: SEGMENT,
  interface: 'eth0',
  epoch: 1,
  cause: 'outbid',
};

/** Events that the speaker of node `teller` wrote. */
async function told() {
  return (await client.list(events, { namespace: 'default' })).items.filter(event => event.reportingInstance === 'teller');
}

async function ownersAre(expected: object[]): Promise<void> {
  await eventually(async () => {
    const { status } = await client.get(announcements, { name: 'web', namespace: 'default' });
    expect(status?.owners ?? []).toMatchObject(expected);
    return (status?.owners ?? []).length === expected.length;
  });
}

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  for (;;) {
    try {
      if (await condition()) return;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    if (performance.now() > end) throw new Error('waited in vain');
    await sleep(client.clock, 20);
  }
}

describe('Layer2Speaker', () => {
  it('tells the wire thread of its share as it comes and goes', async () => {
    const { commands } = await start('a');
    await plan(['b', 'a']);
    await eventually(async () => commands.length > 0);
    expect(commands).toEqual([
      {
        kind: 'addresses',
        set: [{ ip: IP, nodes: ['b', 'a'].map(nodeIdOf), interfaces: [], epoch: 0, hold: 0, drain: 60_000, restored: [], lameDucks: [] }],
        remove: [],
      },
    ]);
    await client.delete(announcements, { name: 'web', namespace: 'default' });
    await eventually(async () => commands.length > 1);
    expect(commands[1]).toEqual({ kind: 'addresses', set: [], remove: [IP] });
  });

  it('reports what it owns, and the new owner replaces the entry of the old one, in whatever order they write', async () => {
    await plan(['a', 'b']);
    const [a, b] = [await start('a'), await start('b')];
    a.layer2.event(acquired(1));
    a.layer2.event({ kind: 'confirmed', ip: IP, segment: SEGMENT, neighbour: '192.0.2.254', afterMs: 1 });
    await ownersAre([{ ip: IP, node: 'a', epoch: 1, mac: '02:00:00:00:00:01', confirmed: expect.any(String) }]);
    b.layer2.event(acquired(2, '02:00:00:00:00:02'));
    await ownersAre([{ ip: IP, node: 'b', epoch: 2, mac: '02:00:00:00:00:02' }]);
    a.layer2.event(released);
    await sleep(client.clock, 200);
    await ownersAre([{ ip: IP, node: 'b', epoch: 2 }]);
    b.layer2.event(released);
    await ownersAre([]);
  });

  it('writes itself over another owner the less often, the longer both do so', async () => {
    // A minute of theirs is three seconds.
    const fast = connectTo(server.url, {
      qps: 0,
      clock: { ...client.clock, now: () => 20 * client.clock.now(), after: (ms, run) => client.clock.after(ms / 20, run) },
    });
    await plan(['a', 'b']);
    const [a, b] = [await start('a', 'off', 0, fast), await start('b', 'off', 0, fast)];
    const before = server.audit.count({ verb: 'patch' });
    a.layer2.event(acquired(2));
    b.layer2.event(acquired(2));
    await sleep(client.clock, 3_000);
    const writes = server.audit.count({ verb: 'patch' }) - before;
    expect(writes).toBeGreaterThan(4);
    expect(writes).toBeLessThan(20);
    fast.close();
  });

  it('reports what it owns to a Service that shares the address from now on', async () => {
    await plan(['a', 'b']);
    const { layer2 } = await start('a');
    layer2.event(acquired(1));
    await ownersAre([{ ip: IP, node: 'a', epoch: 1 }]);
    await plan(['a', 'b'], 'also');
    try {
      await eventually(async () => (await client.get(announcements, { name: 'also', namespace: 'default' })).status?.owners?.length === 1);
    } finally {
      await client.delete(announcements, { name: 'also', namespace: 'default' });
    }
  });

  it('starts from the epoch that was reported', async () => {
    await plan(['a', 'b']);
    const a = await start('a');
    a.layer2.event(acquired(7));
    await ownersAre([{ node: 'a', epoch: 7 }]);
    const b = await start('b');
    expect(b.commands).toMatchObject([{ set: [{ ip: IP, epoch: 7 }] }]);
  });

  it('takes up what it had when it was ended, where the API was not told', async () => {
    await plan(['a', 'b']);
    const { layer2, commands } = await start('a');
    const saved = [...layer2.shared.values()].map(address => ({ ...address, restored: [{ segment: SEGMENT, epoch: 6, sinceMs: 1_000 }] }));
    layer2.recall(saved);
    expect(commands).toMatchObject([{ set: [{ restored: [] }] }, { set: [{ ip: IP, epoch: 6, restored: [{ epoch: 6 }] }] }]);
  });

  it('removes what an earlier life of the node left behind', async () => {
    await plan(['a', 'b']);
    const before = await start('a');
    before.layer2.event(acquired(1));
    await ownersAre([{ node: 'a' }]);
    // The same node again, owning nothing.
    stop.abort();
    await Promise.all(running);
    stop = new AbortController();
    await start('a');
    await ownersAre([]);
  });

  it('leaves what was reported before to the next process, as long as the wire thread has not taken it up', async () => {
    await plan(['a', 'b']);
    const before = await start('a');
    before.layer2.event(acquired(3));
    await ownersAre([{ node: 'a', epoch: 3 }]);
    stop.abort();
    await Promise.all(running);
    stop = new AbortController();
    const { layer2 } = await start('a', 'off', 1);
    // As at the end of a process, and later than entries of an earlier life are looked through.
    await layer2.flush();
    await sleep(client.clock, 1_200);
    await ownersAre([{ node: 'a', epoch: 3 }]);
    expect(layer2.settled).toBe(false);
    layer2.event(report(0));
    expect(layer2.settled).toBe(true);
    await ownersAre([]);
  });

  it('of a planned move the new owner tells that it is under way, and the old one how many connections are left', async () => {
    await plan(['a', 'b']);
    let left = 17;
    const connection = { protocol: 6, tcpState: 'established', original: { destination: IP } };
    const flows = () => Array.from({ length: left }, () => connection) as unknown as ReturnType<FlowTable['flows']>;
    const [a, b] = [await start('a', { size: () => left, flows }), await start('b')];
    a.layer2.event(acquired(1));
    await ownersAre([{ node: 'a', epoch: 1 }]);
    a.layer2.event({ ...released, cause: 'handover', to: 'b', lameDuckMs: 60_000 });
    b.layer2.event({ ...acquired(2, '02:00:00:00:00:02'), cause: 'handover', quiet: { from: 'a', forMs: 60_000 } });
    await ownersAre([{ node: 'b', epoch: 2, draining: { node: 'a', flows: 17 } }]);
    expect(a.commands.find(({ kind }) => kind === 'flows')).toMatchObject({ counts: [{ ip: IP, flows: 17 }] });
    expect(a.layer2.snapshot()).toMatchObject([{ restored: [], lameDucks: [{ segment: SEGMENT, to: 'b' }] }]);
    expect(b.layer2.snapshot()).toMatchObject([{ restored: [{ epoch: 2, quiet: { from: 'a' } }], lameDucks: [] }]);
    left = 4;
    await ownersAre([{ node: 'b', draining: { node: 'a', flows: 4 } }]);
    // Both speakers begin anew in the middle of it.
    stop.abort();
    await Promise.all(running);
    stop = new AbortController();
    const again = await start('a');
    expect(again.commands).toMatchObject([{ set: [{ lameDucks: [{ segment: SEGMENT, to: nodeIdOf('b') }] }] }]);
    const next = await start('b');
    expect(next.commands).toMatchObject([{ set: [{ restored: [{ epoch: 2, quiet: { from: nodeIdOf('a') } }] }] }]);
    next.layer2.event({ ...acquired(2, '02:00:00:00:00:02'), cause: 'restored', quiet: { from: 'a', forMs: 50_000 } });
    next.layer2.event({ kind: 'announced', ip: IP, segment: SEGMENT, why: 'flows-gone' });
    await eventually(async () => {
      const { status } = await client.get(announcements, { name: 'web', namespace: 'default' });
      return status?.owners?.[0]?.node === 'b' && status.owners[0].draining === undefined;
    });
  });

  it('an annotation asks for the first nodes', async () => {
    await plan(['b', 'a']);
    const { layer2, commands, warnings } = await start('a');
    layer2.event(acquired(1));
    await ownersAre([{ node: 'a' }]);
    const ask = async (asked: string): Promise<void> => {
      const change = { metadata: { annotations: { 'heraldlb.io/rebalance': asked } } };
      await client.patch(announcements, { name: 'web', namespace: 'default' }, change, { type: 'merge' });
      await eventually(async () =>
        commands.some(command => command.kind === 'addresses' && command.set[0]?.rebalance === Date.parse(asked)),
      );
    };
    await ask(new Date(client.clock.wall() - 60_000).toISOString());
    expect(warnings).toEqual([]);
    // The clock of whoever asks is behind: such a request is too old to move anything.
    await ask(new Date(client.clock.wall() - 600_000).toISOString());
    expect(warnings.map(line => JSON.parse(line) as object)).toMatchObject([{ announcement: 'default/web', seconds: 600 }]);
  });

  it('writes nothing when nothing changed', async () => {
    await plan(['a']);
    const { layer2 } = await start('a');
    layer2.event(acquired(1));
    await ownersAre([{ node: 'a' }]);
    const before = (await client.get(announcements, { name: 'web', namespace: 'default' })).metadata.resourceVersion;
    layer2.event(acquired(1));
    layer2.event({ kind: 'confirmed', ip: IP, segment: SEGMENT, neighbour: '192.0.2.254', afterMs: 1 });
    await ownersAre([{ node: 'a', confirmed: expect.any(String) }]);
    const after = (await client.get(announcements, { name: 'web', namespace: 'default' })).metadata.resourceVersion;
    layer2.event({ kind: 'confirmed', ip: IP, segment: SEGMENT, neighbour: '192.0.2.253', afterMs: 2 });
    await sleep(client.clock, 200);
    expect(Number(after)).toBe(Number(before) + 1);
    expect((await client.get(announcements, { name: 'web', namespace: 'default' })).metadata.resourceVersion).toBe(after);
  });

  it('writes nothing for what a new process goes on with', async () => {
    await plan(['a']);
    const before = await start('a');
    before.layer2.event(acquired(1));
    before.layer2.event({ kind: 'confirmed', ip: IP, segment: SEGMENT, neighbour: '192.0.2.254', afterMs: 1 });
    await ownersAre([{ node: 'a', confirmed: expect.any(String) }]);
    stop.abort();
    await Promise.all(running);
    stop = new AbortController();
    const { resourceVersion } = (await client.get(announcements, { name: 'web', namespace: 'default' })).metadata;
    const { layer2 } = await start('a', 'off', 1);
    layer2.event({ ...acquired(1), cause: 'restored' });
    layer2.event(report(0));
    await sleep(client.clock, 1_200);
    expect((await client.get(announcements, { name: 'web', namespace: 'default' })).metadata.resourceVersion).toBe(resourceVersion);
  });

  it('says on the Service when the owner changed, and when a stranger has the address', async () => {
    await plan(['teller']);
    const { layer2 } = await start('teller');
    await eventually(async () => layer2.shared.size > 0);
    // Neither is a change of owner.
    layer2.event(acquired(1));
    layer2.event({ ...acquired(1), cause: 'restored' });
    layer2.event(acquired(2));
    layer2.event({ kind: 'conflict', ip: IP, segment: SEGMENT, interface: 'eth0', mac: '02:00:00:00:00:66', phase: 'announcing' });
    await eventually(async () => (await told()).length === 2);
    const said = (await told()).map(({ reason, note, regarding, type }) => ({
      reason,
      note,
      type,
      name: regarding?.name,
    }));
    expect(said.sort((x, y) => ((x.reason ?? '') < (y.reason ?? '') ? -1 : 1))).toEqual([
      {
        reason: 'AddressConflict',
        type: 'Warning',
        name: 'web',
        note: expect.stringContaining('02:00:00:00:00:66 on interface eth0 of node teller'),
      },
      {
        reason: 'OwnerChanged',
        type: 'Normal',
        name: 'web',
        note: `${IP} is announced by node teller on interface eth0 (02:00:00:00:00:01): the node that had it fell silent`,
      },
    ]);
  });
});

it('SpeakerObject creates its object, writes what is new, and comes back when it was deleted', async () => {
  let view = speakerView({ problem: 'starting' });
  const object = new SpeakerObject(client, 'a', createLogger({ component: 'test', level: 'silent' }), () => view);
  const conflict = { ip: '192.0.2.1', interface: 'eth0', mac: '02:00:00:00:00:66', phase: 'Probe', since: '2026-01-01T00:00:00Z' } as const;
  await object.write();
  const first = await client.get(speakers, { name: 'a' });
  expect(first.status).toMatchObject({
    owned: 0,
    conditions: [
      { type: 'Ready', status: 'False', message: 'starting' },
      { type: 'AddressConflict', status: 'False' },
      { type: 'PeersHeard', status: 'True' },
      { type: 'GatewaysLearn', status: 'True' },
    ],
  });
  await object.write();
  expect((await client.get(speakers, { name: 'a' })).metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  view = { ...view, problem: undefined, owned: 2, conflicts: [conflict] };
  await object.write();
  expect((await client.get(speakers, { name: 'a' })).status).toMatchObject({
    owned: 2,
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'AddressConflict', status: 'True', message: '192.0.2.1 is used by 02:00:00:00:00:66 on eth0' },
      { type: 'PeersHeard', status: 'True' },
      { type: 'GatewaysLearn', status: 'True' },
    ],
    conflicts: [conflict],
  });
  await client.delete(speakers, { name: 'a' });
  running.push(object.run(stop.signal));
  view = { ...view, owned: 3 };
  await eventually(async () => (await client.find(speakers, { name: 'a' }))?.status?.owned === 3);
}, 30_000);
