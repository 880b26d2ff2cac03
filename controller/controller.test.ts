import { leases, services } from '@herald/kube';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { announcements, reservations } from './resources.ts';
import { eventually, herald, TestCluster } from './testing/test-cluster.ts';

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await TestCluster.start();
  await cluster.node('n1');
});
afterEach(() => cluster.stop());

/** Nothing is written any more: the newest resourceVersion stands still. Returns it. */
async function settled(): Promise<string> {
  let last = '';
  for (let quiet = 0; quiet < 3; ) {
    const { resourceVersion } = await cluster.client.list(services, { limit: 1 });
    quiet = resourceVersion === last ? quiet + 1 : 0;
    last = resourceVersion;
    await new Promise(resolve => setTimeout(resolve, 250));
  }
  return last;
}

describe('the controller', () => {
  it('gives a Service an address, says so, and plans its announcement', async () => {
    await cluster.pool('lan', ['192.168.150.240-192.168.150.250']);
    await cluster.createConfig('L2Advertisement', 'lan', {});
    cluster.start();
    await cluster.createService('web');
    await cluster.endpoints('web', ['n1']);
    const service = await cluster.assigned('web', ['192.168.150.240']);
    expect(service.status?.loadBalancer?.ingress).toEqual([{ ip: '192.168.150.240', ipMode: 'VIP' }]);
    expect(await cluster.reason('web', 'Allocated', 'AddressAssigned')).toContain('192.168.150.240 from IPAddressPool lan');
    await cluster.reason('web', 'Announced', 'NoSpeaker');
    const announcement = await eventually(async () => {
      const found = await cluster.find(announcements, 'web');
      if (found?.spec.addresses[0]?.layer2 === undefined) throw new Error(JSON.stringify(found?.spec));
      return found;
    }, 'the Announcement');
    expect(announcement.metadata.ownerReferences).toMatchObject([
      { apiVersion: 'v1', kind: 'Service', name: 'web', uid: service.metadata.uid },
    ]);
    expect(announcement.spec.addresses).toMatchObject([{ ip: '192.168.150.240', pool: 'lan', layer2: { nodes: ['n1'] } }]);
    await eventually(async () => {
      const { status } = await cluster.config('IPAddressPool', 'lan');
      expect(status).toMatchObject({ assigned: 1, available: '10', assignedIPv4: 1, addresses: ['192.168.150.240-192.168.150.250'] });
      expect(status?.conditions).toMatchObject([
        { type: 'Ready', status: 'True' },
        { type: 'Overlapping', status: 'False' },
      ]);
    }, 'the status of the pool');
  });

  it('tells why a Service is pending, and serves it once that has changed', async () => {
    cluster.start();
    await cluster.createService('web');
    expect(await cluster.reason('web', 'Allocated', 'NoPool')).toContain('no IPAddressPool');
    await cluster.pool('lan', ['10.0.0.1/32']);
    await cluster.assigned('web', ['10.0.0.1']);
    await cluster.createService('late');
    expect(await cluster.reason('late', 'Allocated', 'PoolExhausted')).toContain('lan');
    await cluster.deleteService('web');
    await cluster.assigned('late', ['10.0.0.1']);
  });

  it('takes back what it wrote when the type changes, and gives it again when it changes back', async () => {
    await cluster.pool('lan', ['10.0.0.1/32']);
    await cluster.createConfig('L2Advertisement', 'lan', {});
    cluster.start();
    await cluster.createService('web');
    await cluster.assigned('web', ['10.0.0.1']);
    await eventually(async () => expect(await cluster.find(announcements, 'web')).toBeDefined(), 'the Announcement');
    await cluster.patchService('web', { spec: { type: 'ClusterIP', allocateLoadBalancerNodePorts: null } });
    await cluster.serviceWhere('web', ({ status }) => (status?.conditions ?? []).length === 0, 'no conditions');
    expect(await cluster.addresses('web')).toEqual([]);
    await eventually(async () => expect(await cluster.find(announcements, 'web')).toBeUndefined(), 'no Announcement');
    await cluster.patchService('web', { spec: { type: 'LoadBalancer' } });
    await cluster.assigned('web', ['10.0.0.1']);
  });

  it('never touches a Service of another class, and serves its own', async () => {
    await cluster.pool('lan', ['10.0.0.0/24']);
    cluster.start({ loadBalancerClass: 'example.com/mine' });
    await cluster.createService('classless');
    await cluster.createService('foreign', { spec: { loadBalancerClass: 'example.com/other' } });
    await cluster.createService('pool', { spec: { loadBalancerClass: 'heraldlb.io/pool' } });
    await cluster.createService('mine', { spec: { loadBalancerClass: 'example.com/mine' } });
    await cluster.serviceWhere('mine', ({ status }) => (status?.conditions ?? []).length > 0, 'an answer');
    await cluster.serviceWhere('pool', ({ status }) => (status?.conditions ?? []).length > 0, 'an answer');
    for (const name of ['classless', 'foreign']) expect((await cluster.service(name)).status).toEqual({ loadBalancer: {} });
  });

  it('puts back what somebody wrote into the status by hand, with the same address', async () => {
    await cluster.pool('lan', ['10.0.0.1-10.0.0.9']);
    cluster.start();
    await cluster.createService('first');
    await cluster.createService('web');
    await cluster.serviceWhere('web', ({ status }) => (status?.conditions ?? []).length > 0, 'an answer');
    await cluster.deleteService('first');
    const before = await cluster.addresses('web');
    for (const ingress of [null, [{ ip: '172.16.0.1' }], [{ ip: '10.0.0.7' }]]) {
      await cluster.client.patch(
        services,
        { namespace: 'default', name: 'web' },
        { status: { loadBalancer: { ingress } } },
        { type: 'merge', subresource: 'status' },
      );
      await cluster.assigned('web', before);
    }
  });

  it('writes nothing over 1,000 settled Services: not at a restart, not for its own echoes, not for what others write', {
    timeout: 120_000,
  }, async () => {
    const count = 1000;
    await cluster.pool('lan', ['10.0.0.0/16']);
    await cluster.createConfig('L2Advertisement', 'lan', {});
    for (let i = 0; i < count; i++) await cluster.createService(`s${i}`, { annotations: { 'metallb.io/address-pool': 'lan' } });
    const first = cluster.start();
    const allAnswered = async () => {
      const { items } = await cluster.client.list(services, { namespace: 'default' });
      expect(items.filter(({ status }) => (status?.conditions ?? []).length === 2).length).toBe(count);
    };
    await eventually(allAnswered, 'answers', 60_000);
    await settled();
    await first.stop();
    const restarted = Date.now();
    cluster.start();
    await settled();
    // Somebody else's condition, label and annotation concern nobody here.
    const stranger = [
      { type: 'example.com/Stranger', status: 'True', reason: 'X', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ];
    await cluster.client.patch(
      services,
      { namespace: 'default', name: 's7' },
      { status: { conditions: stranger } },
      { type: 'strategic', subresource: 'status' },
    );
    await cluster.patchService('s8', { metadata: { labels: { some: 'label' }, annotations: { some: 'annotation' } } });
    await settled();
    const writes = cluster.server.audit.writes({ since: restarted }).filter(({ agent }) => agent.startsWith('herald-controller'));
    expect(writes).toEqual([]);
    expect(cluster.server.audit.entries({ since: restarted, verb: 'list', resource: 'services' }).length).toBeGreaterThan(0);
  });

  it('keeps every address over a restart, whatever is created meanwhile', async () => {
    await cluster.pool('lan', ['10.0.0.1-10.0.0.3']);
    const first = cluster.start();
    await cluster.createService('a');
    await cluster.assigned('a', ['10.0.0.1']);
    await cluster.createService('b');
    await cluster.assigned('b', ['10.0.0.2']);
    await first.stop();
    await cluster.deleteService('a');
    await cluster.createService('c');
    await cluster.createService('a');
    cluster.start();
    await cluster.serviceWhere('a', ({ status }) => (status?.conditions ?? []).length > 0, 'an answer');
    await cluster.serviceWhere('c', ({ status }) => (status?.conditions ?? []).length > 0, 'an answer');
    expect(await cluster.addresses('b')).toEqual(['10.0.0.2']);
    expect(new Set([...(await cluster.addresses('a')), ...(await cluster.addresses('c'))])).toEqual(new Set(['10.0.0.1', '10.0.0.3']));
  });

  it('keeps the addresses of a deleted Service that asks for it', async () => {
    await cluster.pool('lan', ['10.0.0.1-10.0.0.2']);
    cluster.start();
    await cluster.createService('web', { annotations: { 'heraldlb.io/keep-ip': 'true' } });
    await cluster.assigned('web', ['10.0.0.1']);
    await cluster.deleteService('web');
    await eventually(
      async () => expect((await cluster.find(reservations, 'default.web', herald))?.spec.addresses).toEqual(['10.0.0.1']),
      'the reservation',
    );
    await cluster.createService('other');
    await cluster.assigned('other', ['10.0.0.2']);
    await cluster.createService('web');
    await cluster.assigned('web', ['10.0.0.1']);
    await eventually(async () => expect((await cluster.config('IPReservation', 'default.web')).status?.['phase']).toBe('Bound'), 'bound');
  });

  it('reports a bad pool on the pool and goes on with the good ones', async () => {
    await cluster.pool('good', ['10.0.0.1/32']);
    cluster.start();
    await cluster.createService('web');
    await cluster.assigned('web', ['10.0.0.1']);
    await cluster.pool('bad', ['10.0.0.9-10.0.0.2']);
    await cluster.pool('overlapping', ['10.0.0.0/30']);
    await eventually(async () => {
      expect((await cluster.config('IPAddressPool', 'bad')).status?.conditions).toMatchObject([
        { type: 'Ready', status: 'False', reason: 'RangeReversed' },
        {},
      ]);
      expect((await cluster.config('IPAddressPool', 'overlapping')).status?.conditions).toMatchObject([
        { type: 'Ready', status: 'False', reason: 'OverlapsOtherPool' },
        { type: 'Overlapping', status: 'True' },
      ]);
    }, 'the conditions');
    expect(await cluster.addresses('web')).toEqual(['10.0.0.1']);
  });

  it('gives another address when a pool shrinks, and names the old and the new one', async () => {
    await cluster.pool('lan', ['10.0.0.1/32', '10.0.0.5/32']);
    cluster.start();
    await cluster.createService('web');
    await cluster.assigned('web', ['10.0.0.1']);
    await cluster.patchConfig('IPAddressPool', 'lan', { addresses: ['10.0.0.5/32'] });
    await cluster.assigned('web', ['10.0.0.5']);
  });

  it('keeps an address whose pool said Keep, also over a restart without the pool', async () => {
    await cluster.pool('lan', ['10.0.0.1/32'], { onRemoval: 'Keep' });
    const first = cluster.start();
    await cluster.createService('web');
    await cluster.assigned('web', ['10.0.0.1']);
    await eventually(async () => expect(await cluster.find(announcements, 'web')).toBeDefined(), 'the Announcement');
    await cluster.deleteConfig('IPAddressPool', 'lan');
    await settled();
    expect(await cluster.addresses('web')).toEqual(['10.0.0.1']);
    await first.stop();
    cluster.start();
    await settled();
    expect(await cluster.addresses('web')).toEqual(['10.0.0.1']);
  });
});

describe('leader election', () => {
  const leaderElection = { name: 'herald-controller', leaseDurationMs: 600, renewDeadlineMs: 400, retryPeriodMs: 100 };

  it('one of two works, the other takes over at once when it ends', async () => {
    await cluster.pool('lan', ['10.0.0.0/24']);
    const one = cluster.start({ leaderElection, identity: 'one' });
    await eventually(
      async () =>
        expect((await cluster.client.get(leases, { namespace: herald, name: 'herald-controller' })).spec?.holderIdentity).toBe('one'),
      'one leads',
    );
    cluster.start({ leaderElection, identity: 'two' });
    await cluster.createService('a');
    await cluster.assigned('a', ['10.0.0.0']);
    await one.stop();
    await cluster.createService('b');
    await cluster.assigned('b', ['10.0.0.1']);
    expect((await cluster.client.get(leases, { namespace: herald, name: 'herald-controller' })).spec?.holderIdentity).toBe('two');
  });
});
