import { connectTo, events, services } from '@herald/kube';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { announcements } from './resources.ts';
import { eventually, herald, type Replica, TestCluster } from './testing/test-cluster.ts';
import { type Passing, TestProxy } from './testing/test-proxy.ts';

let cluster: TestCluster;
let proxy: TestProxy;
beforeEach(async () => {
  cluster = await TestCluster.start();
  proxy = new TestProxy(cluster.server.url);
  await proxy.up();
  await cluster.pool('lan', ['10.0.0.1-10.0.0.9']);
});
afterEach(async () => {
  proxy.fault = () => undefined;
  proxy.thaw();
  await cluster.stop();
  await proxy.down();
});

/** A controller that sees the API server through the proxy only. */
function start(options: Parameters<TestCluster['start']>[0] = {}): Replica {
  return cluster.start({ connect: more => Promise.resolve(connectTo(proxy.url, { ...more, timeoutMs: 2000 })), ...options });
}

const isStatusWrite = ({ method, path }: Passing) => method === 'PATCH' && path.includes('/services/') && path.includes('/status');

/** Fails the first `times` requests that match. */
function failFirst(times: number, matches: (passing: Passing) => boolean, status: number, reason: string): void {
  let left = times;
  proxy.fault = passing => (matches(passing) && left-- > 0 ? { status, reason } : undefined);
}

describe('the controller on a troubled API server', () => {
  it.each([
    [409, 'Conflict'],
    [500, 'InternalError'],
    [429, 'TooManyRequests'],
    [503, 'ServiceUnavailable'],
    [504, 'Timeout'],
  ])('repeats a write that failed with %i, with the same address', async (status, reason) => {
    failFirst(2, isStatusWrite, status, reason);
    start();
    await cluster.createService('a');
    await cluster.assigned('a', ['10.0.0.1']);
    await cluster.createService('b');
    await cluster.assigned('b', ['10.0.0.2']);
  });

  it('goes on when the API server was away, without losing or doubling an address', async () => {
    start();
    await cluster.createService('a');
    await cluster.assigned('a', ['10.0.0.1']);
    await proxy.down();
    await cluster.createService('b');
    await cluster.deleteService('a');
    await cluster.createService('c');
    await new Promise(resolve => setTimeout(resolve, 300));
    await proxy.up();
    await cluster.serviceWhere('b', ({ status }) => status?.loadBalancer?.ingress?.length === 1, 'an address');
    await cluster.serviceWhere('c', ({ status }) => status?.loadBalancer?.ingress?.length === 1, 'an address');
    expect(new Set([...(await cluster.addresses('b')), ...(await cluster.addresses('c'))]).size).toBe(2);
  });

  it('ends its term when the lease cannot be renewed, and leads again when the API server is back', async () => {
    const leaderElection = { name: 'herald-controller', leaseDurationMs: 600, renewDeadlineMs: 400, retryPeriodMs: 100 };
    const replica = start({ leaderElection });
    await cluster.createService('a');
    await cluster.assigned('a', ['10.0.0.1']);
    await proxy.down();
    await eventually(
      async () => expect(replica.log.some(line => String(line['msg']).includes('could not be renewed'))).toBe(true),
      'the end of the term',
    );
    await cluster.createService('b');
    await proxy.up();
    await cluster.assigned('b', ['10.0.0.2']);
    expect(await cluster.addresses('a')).toEqual(['10.0.0.1']);
  });

  it('takes over after the leader was cut off, and the old one keeps its hands off', async () => {
    const leaderElection = { name: 'herald-controller', leaseDurationMs: 600, renewDeadlineMs: 400, retryPeriodMs: 100 };
    start({ leaderElection, identity: 'cut-off' });
    await cluster.createService('a');
    await cluster.assigned('a', ['10.0.0.1']);
    await proxy.down();
    cluster.start({ leaderElection, identity: 'next' });
    await cluster.createService('b');
    await cluster.assigned('b', ['10.0.0.2']);
    await proxy.up();
    await cluster.createService('c');
    await cluster.assigned('c', ['10.0.0.3']);
    expect(proxy.writes.filter(write => write.includes('/services/b/') || write.includes('/services/c/'))).toEqual([]);
  });

  it('does not lose its memory to a cache that lags behind', async () => {
    start();
    await cluster.createService('a');
    await cluster.assigned('a', ['10.0.0.1']);
    proxy.freeze();
    await cluster.createService('b');
    await cluster.deleteService('a');
    await cluster.createService('a');
    await new Promise(resolve => setTimeout(resolve, 100));
    proxy.thaw();
    await cluster.serviceWhere('a', ({ status }) => status?.loadBalancer?.ingress?.length === 1, 'an address');
    await cluster.serviceWhere('b', ({ status }) => status?.loadBalancer?.ingress?.length === 1, 'an address');
    expect(new Set([...(await cluster.addresses('a')), ...(await cluster.addresses('b'))])).toEqual(new Set(['10.0.0.1', '10.0.0.2']));
  });

  it('says which permission is missing and what to grant, and works once it is granted', async () => {
    proxy.fault = ({ path }) => (path.includes('/endpointslices') ? { status: 403, reason: 'Forbidden' } : undefined);
    const replica = start();
    await eventually(
      async () =>
        expect(replica.log.map(line => line['msg'])).toContainEqual(
          expect.stringContaining('grant verb "list" on resource "endpointslices" of API group "discovery.k8s.io"'),
        ),
      'the complaint',
    );
    await cluster.createService('a');
    proxy.fault = () => undefined;
    await cluster.assigned('a', ['10.0.0.1']);
    expect(replica.log.filter(line => String(line['msg']).includes('endpointslices')).length).toBe(1);
  });

  it('says what to grant when it may not write the status', async () => {
    failFirst(3, isStatusWrite, 403, 'Forbidden');
    const replica = start();
    await cluster.createService('a');
    await cluster.assigned('a', ['10.0.0.1']);
    expect(replica.log.map(line => line['msg'])).toContainEqual(
      expect.stringContaining('grant verb "patch" on resource "services/status"'),
    );
  });

  it('makes the Announcement again when somebody deletes or edits it', async () => {
    await cluster.node('n1');
    await cluster.createConfig('L2Advertisement', 'lan', {});
    start();
    await cluster.createService('a');
    await cluster.endpoints('a', ['n1']);
    const made = async () => {
      const found = await cluster.find(announcements, 'a');
      if (found?.spec.addresses[0]?.layer2?.nodes.join() !== 'n1') throw new Error('not yet');
      return found;
    };
    const before = await eventually(made, 'the Announcement');
    await cluster.client.delete(announcements, { namespace: 'default', name: 'a' });
    const again = await eventually(async () => {
      const found = await made();
      if (found.metadata.uid === before.metadata.uid) throw new Error('still the old one');
      return found;
    }, 'another Announcement');
    const elsewhere = [{ ip: '10.0.0.1', pool: 'lan', layer2: { nodes: ['evil'], interfaces: [] } }];
    await cluster.client.patch(announcements, { namespace: 'default', name: 'a' }, { spec: { addresses: elsewhere } }, { type: 'merge' });
    await eventually(made, 'the plan again');
    expect((await made()).metadata.uid).toBe(again.metadata.uid);
  });
});

/** The events about a Service, in words. */
async function notes(name: string): Promise<string[]> {
  const { items } = await cluster.client.list(events, { namespace: 'default' });
  return items.filter(event => event.regarding?.name === name).map(event => `${event.type} ${event.reason}: ${event.note}`);
}

describe('events', () => {
  it('tell each change once, naming old, new and why', async () => {
    const first = start();
    await cluster.createService('a');
    await cluster.assigned('a', ['10.0.0.1']);
    await cluster.patchConfig('IPAddressPool', 'lan', { addresses: ['10.0.0.5/32'] });
    await cluster.assigned('a', ['10.0.0.5']);
    await cluster.createService('b');
    await cluster.reason('b', 'Allocated', 'PoolExhausted');
    await cluster.patchService('b', { metadata: { labels: { irrelevant: 'change' } } });
    await first.stop();
    const second = start();
    await cluster.createService('c');
    await cluster.reason('c', 'Allocated', 'PoolExhausted');
    await second.stop();
    expect(await notes('a')).toEqual([
      'Normal AddressAssigned: assigned 10.0.0.1 from IPAddressPool lan',
      'Warning AddressChanged: 10.0.0.1 is replaced by 10.0.0.5 from IPAddressPool lan: IPAddressPool lan no longer contains it',
    ]);
    expect(await notes('b')).toEqual([expect.stringMatching(/^Warning PoolExhausted: IPAddressPool lan has no free IPv4 address/)]);
  });

  it('tell of annotations of a deprecated prefix', async () => {
    const replica = start();
    await cluster.createService('a', { annotations: { 'metallb.universe.tf/address-pool': 'lan' } });
    await cluster.assigned('a', ['10.0.0.1']);
    await replica.stop();
    expect(await notes('a')).toContainEqual(expect.stringMatching(/^Warning DeprecatedAnnotation: .*metallb.universe.tf\/address-pool/));
  });

  it('tell of an invalid object once, on the object', async () => {
    const first = start();
    await cluster.pool('bad', ['10.0.0.9-10.0.0.2']);
    await eventually(
      async () => expect((await cluster.config('IPAddressPool', 'bad')).status?.conditions?.[0]?.status).toBe('False'),
      'the condition',
    );
    await first.stop();
    const second = start();
    await cluster.createService('a');
    await cluster.assigned('a', ['10.0.0.1']);
    await second.stop();
    const { items } = await cluster.client.list(events, { namespace: herald });
    expect(items.map(event => `${event.regarding?.name} ${event.reason}`)).toEqual(['bad ConfigurationRejected']);
  });

  it('tell that somebody edited the status', async () => {
    const replica = start();
    await cluster.createService('a');
    await cluster.assigned('a', ['10.0.0.1']);
    await cluster.client.patch(
      services,
      { namespace: 'default', name: 'a' },
      { status: { loadBalancer: { ingress: [{ ip: '6.6.6.6' }] } } },
      { type: 'merge', subresource: 'status' },
    );
    await cluster.assigned('a', ['10.0.0.1']);
    await replica.stop();
    expect(await notes('a')).toContainEqual(expect.stringMatching(/^Warning AddressReverted: status.loadBalancer was 6.6.6.6/));
  });
});
