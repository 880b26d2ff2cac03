import { type Client, type Condition, connectTo, EventRecorder } from '@herald/kube';
import { ManualClock, ScriptedServer, sendJson } from '@herald/kube/testing';
import { createRegistry } from '@herald/process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControllerMetrics } from './metrics.ts';
import { ingressAddresses, type Service } from './service-status.ts';
import { type Answer, ServiceWriter } from './service-writer.ts';

/** The Services as the API server has them. */
const stored = new Map<string, Service>();
const outcomes = new Map<string, Answer>();
const patches: string[] = [];
let holds = true;
let noIPMode = 0;
let knowsIPMode = true;

const server = new ScriptedServer((request, response) => {
  const [, namespace, name] = /namespaces\/([^/]+)\/services\/([^/]+)\/status/.exec(request.path) ?? [];
  const service = stored.get(`${namespace}/${name}`);
  if (service === undefined) return sendJson(response, 200, {});
  type Entry = { ip: string; ipMode?: string };
  const patch = JSON.parse(request.body) as { status: { loadBalancer?: { ingress: Entry[] | null }; conditions?: Condition[] } };
  if (!knowsIPMode) for (const entry of patch.status.loadBalancer?.ingress ?? []) delete entry.ipMode;
  const ingress =
    patch.status.loadBalancer === undefined ? service.status?.loadBalancer?.ingress : (patch.status.loadBalancer.ingress ?? []);
  const conditions = patch.status.conditions ?? service.status?.conditions ?? [];
  const resourceVersion = String(Number(service.metadata.resourceVersion) + 1);
  const next: Service = {
    ...service,
    metadata: { ...service.metadata, resourceVersion },
    status: { loadBalancer: { ingress: ingress ?? [] }, conditions },
  };
  if (request.query.get('dryRun') === 'All') return sendJson(response, 200, next);
  stored.set(`${namespace}/${name}`, next);
  patches.push(`${name}: ${ingressAddresses(next).join() || '-'}`);
  sendJson(response, 200, next);
});
let client: Client;
let clock: ManualClock;
let writer: ServiceWriter;
/** What the writer's cache shows: a copy of `stored` that is only refreshed when told. */
let cache = new Map<string, Service>();
const { signal } = new AbortController();

beforeEach(async () => {
  stored.clear();
  outcomes.clear();
  patches.length = 0;
  holds = true;
  noIPMode = 0;
  knowsIPMode = true;
  await server.listen();
  client = connectTo(server.url, { qps: 0 });
  clock = new ManualClock();
  writer = new ServiceWriter({
    client,
    clock,
    recorder: new EventRecorder(client, { component: 'test', instance: 'test', capacity: 0 }),
    metrics: new ControllerMetrics(createRegistry({ component: 'test', version: '0' })),
    cached: key => cache.get(key),
    cachedHolders: address => [...cache].filter(([, service]) => ingressAddresses(service).includes(address)).map(([key]) => key),
    isOurs: service => service.spec?.type === 'LoadBalancer',
    outcome: key => outcomes.get(key),
    deprecated: () => [],
    announced: () => ({ status: 'Unknown', reason: 'WaitingForSpeakers', message: '' }),
    onNoIPMode: () => void noIPMode++,
    holds: () => holds,
  });
});
afterEach(async () => {
  client.close();
  await server.kill();
});

/** A Service that shows some addresses and shall show others. */
function given(name: string, shows: string[], shall: string[]): void {
  const ingress = shows.map(ip => ({ ip }));
  const metadata = { namespace: 'x', name, uid: name, resourceVersion: '1' };
  stored.set(`x/${name}`, { metadata, spec: { type: 'LoadBalancer' }, status: { loadBalancer: { ingress } } });
  cache = new Map(stored);
  outcomes.set(`x/${name}`, {
    addresses: shall,
    satisfied: shall.length > 0,
    reason: 'AddressAssigned',
    message: '',
  });
}

const write = (name: string) => writer.write(`x/${name}`, signal);

describe('ServiceWriter', () => {
  it('lets a Service show an address only after the one that held it shows it no longer', async () => {
    given('old', ['10.0.0.1'], []);
    given('new', [], ['10.0.0.1']);
    expect(await write('new')).toEqual({ requeueAfterMs: 25 });
    await write('old');
    // The cache still shows the old state; our own write counts.
    await write('new');
    expect(patches).toEqual(['old: -', 'new: 10.0.0.1']);
  });

  it('waits also for a write of its own that the cache has not shown yet', async () => {
    given('old', [], ['10.0.0.1']);
    given('new', [], []);
    await write('old');
    given('new', [], ['10.0.0.1']);
    cache.set('x/old', { ...(cache.get('x/old') as Service), metadata: { namespace: 'x', name: 'old', uid: 'old', resourceVersion: '1' } });
    outcomes.delete('x/old');
    expect(await write('new')).toEqual({ requeueAfterMs: 25 });
    expect(patches).toEqual(['old: 10.0.0.1']);
  });

  it('lets two Services swap their addresses', async () => {
    given('a', ['10.0.0.1'], ['10.0.0.2']);
    given('b', ['10.0.0.2'], ['10.0.0.1']);
    for (let round = 0; round < 2; round++) for (const name of ['a', 'b']) await write(name);
    expect(patches).toEqual(['a: -', 'b: 10.0.0.1', 'a: 10.0.0.2']);
  });

  it('lets Services that share an address show it together', async () => {
    given('a', ['10.0.0.1'], ['10.0.0.1']);
    given('b', [], ['10.0.0.1']);
    expect(await write('b')).toBeUndefined();
    expect(patches).toEqual(['b: 10.0.0.1']);
  });

  it('writes nothing without the lease', async () => {
    given('a', [], ['10.0.0.1']);
    holds = false;
    await expect(write('a')).rejects.toMatchObject({ code: 'aborted' });
    expect(patches).toEqual([]);
  });

  it.each([
    { desc: 'writes addresses that kube-proxy leaves alone', knows: true, written: ['a: 10.0.0.1'], told: 0 },
    { desc: 'writes none of them where the API server would drop ipMode', knows: false, written: [], told: 2 },
  ])('$desc', async ({ knows, written, told }) => {
    given('a', [], ['10.0.0.1']);
    outcomes.set('x/a', { ...(outcomes.get('x/a') as Answer), ipMode: 'Proxy' });
    knowsIPMode = knows;
    await write('a');
    await write('a');
    expect(patches).toEqual(written);
    expect(noIPMode).toBe(told);
    if (knows) expect(stored.get('x/a')?.status?.loadBalancer?.ingress).toEqual([{ ip: '10.0.0.1', ipMode: 'Proxy' }]);
  });

  it('puts back what somebody else writes at once, and where that goes on less and less often', async () => {
    given('a', [], ['10.0.0.1']);
    await write('a');
    const other = async () => {
      const service = stored.get('x/a') as Service;
      const resourceVersion = String(Number(service.metadata.resourceVersion) + 1);
      const loadBalancer = { ingress: [{ ip: '6.6.6.6' }] };
      cache.set('x/a', { ...service, metadata: { ...service.metadata, resourceVersion }, status: { ...service.status, loadBalancer } });
      return write('a');
    };
    expect(await other()).toBeUndefined();
    expect(patches).toHaveLength(2);
    for (const delay of [1_000, 2_000, 4_000]) {
      expect(await other()).toEqual({ requeueAfterMs: delay });
      await clock.advance(delay - 1);
      expect(await other()).toEqual({ requeueAfterMs: 1 });
      await clock.advance(1);
      expect(await other()).toBeUndefined();
    }
    expect(patches).toHaveLength(5);
    // What Herald itself decides waits for nobody.
    outcomes.set('x/a', { ...(outcomes.get('x/a') as Answer), addresses: ['10.0.0.2'] });
    expect(await write('a')).toBeUndefined();
    // Long after, it is an edit like the first.
    await clock.advance(300_000);
    expect(await other()).toBeUndefined();
    expect(patches.slice(5)).toEqual(['a: 10.0.0.2', 'a: 10.0.0.2']);
  });

  it('takes a Service made anew under the same name for no edit of the old one', async () => {
    for (const uid of ['first', 'second', 'third']) {
      given('a', [], ['10.0.0.1']);
      const made = stored.get('x/a') as Service;
      stored.set('x/a', { ...made, metadata: { ...made.metadata, uid } });
      cache = new Map(stored);
      expect(await write('a')).toBeUndefined();
    }
    expect(patches).toHaveLength(3);
  });

  it('leaves a Service alone that is no longer ours, and forgets one that is gone', async () => {
    given('a', ['10.0.0.1'], []);
    cache.set('x/a', { ...(cache.get('x/a') as Service), spec: { type: 'ClusterIP' } });
    await write('a');
    cache.delete('x/a');
    await write('a');
    expect(patches).toEqual([]);
  });
});
