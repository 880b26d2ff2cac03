import { connectTo, events, nodes, services } from '@herald/kube';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { announcements, speakers } from '../resources.ts';
import { eventually, type Replica, type ServiceInput, TestCluster } from '../testing/test-cluster.ts';
import { TestProxy } from '../testing/test-proxy.ts';

const names = ['dn0', 'dn1', 'dn2'];
const ip = (...indices: number[]) => indices.map(index => `192.168.150.${40 + index}`);
const onNodes = (input: ServiceInput = {}): ServiceInput => ({ ...input, spec: { loadBalancerClass: 'heraldlb.io/node', ...input.spec } });

let cluster: TestCluster;
let replica: Replica;
beforeEach(async () => {
  cluster = await TestCluster.start();
  for (const [index, name] of names.entries()) {
    await cluster.node(name);
    await address(name, `192.168.150.${40 + index}`);
    await cluster.client.create(speakers, { apiVersion: 'heraldlb.io/v1beta1', kind: 'Speaker', metadata: { name } });
    await says(
      name,
      names.filter(each => each !== name),
    );
  }
  replica = cluster.start();
});
afterEach(() => cluster.stop());

async function address(name: string, internalIP: string, ready = 'True'): Promise<void> {
  const status = { addresses: [{ type: 'InternalIP', address: internalIP }], conditions: [{ type: 'Ready', status: ready }] };
  await cluster.client.patch(nodes, { name }, { status }, { type: 'merge', subresource: 'status' });
}

/** What the speaker of a node writes. */
async function says(name: string, heard: readonly string[], more: object = {}): Promise<void> {
  const segment = { interface: 'eth0', segment: 'lan', mac: '02:00:00:00:00:01', carrier: true, fit: true, stalls: 0, peersHeard: heard };
  const status = { kubeProxy: 'Other', nodeForwarding: 'Off', segments: [segment], ...more };
  await cluster.client.patch(speakers, { name }, { status }, { type: 'merge', subresource: 'status' });
}

async function label(name: string, labels: Record<string, string | null>): Promise<void> {
  await cluster.client.patch(nodes, { name }, { metadata: { labels } }, { type: 'merge' });
}

const eventReasons = async (name: string) =>
  (await cluster.client.list(events, { namespace: 'default' })).items
    .filter(event => event.regarding?.name === name)
    .map(({ reason, note }) => `${reason}: ${note}`);

describe('a Service of class heraldlb.io/node', () => {
  it('lists the nodes, says so, and follows labels and addresses', async () => {
    await cluster.createService('web', onNodes());
    const service = await cluster.assigned('web', ip(0, 1, 2));
    expect(service.status?.loadBalancer?.ingress?.map(({ ipMode }) => ipMode)).toEqual(['VIP', 'VIP', 'VIP']);
    await cluster.reason('web', 'Allocated', 'NodeAddressesListed');
    await cluster.reason('web', 'Announced', 'ServedByNodes');
    expect(await cluster.find(announcements, 'web')).toBeUndefined();

    await label('dn1', { 'svccontroller.k3s.cattle.io/enablelb': 'true' });
    await cluster.assigned('web', ip(1));
    await label('dn1', { 'svccontroller.k3s.cattle.io/enablelb': null });
    await cluster.assigned('web', ip(0, 1, 2));
    await label('dn2', { 'node.kubernetes.io/exclude-from-external-load-balancers': '' });
    await cluster.assigned('web', ip(0, 1));
    await address('dn0', '192.168.150.90');
    await cluster.assigned('web', ['192.168.150.41', '192.168.150.90']);
    await eventually(async () => {
      expect(await eventReasons('web')).toEqual(
        expect.arrayContaining([
          'UpdatedLoadBalancer: Updated LoadBalancer with new IPs: [] -> [192.168.150.40, 192.168.150.41, 192.168.150.42]',
          'UpdatedLoadBalancer: Updated LoadBalancer with new IPs: [192.168.150.40, 192.168.150.41] -> [192.168.150.41, 192.168.150.90]',
        ]),
      );
    }, 'the events of ServiceLB');
  });

  it('loses a dead node within seconds, and no other, and has it back', async () => {
    await cluster.createService('web', onNodes());
    await cluster.assigned('web', ip(0, 1, 2));
    await says('dn0', ['dn1']);
    await says('dn1', ['dn0']);
    await cluster.assigned('web', ip(0, 1));
    expect((await cluster.reason('web', 'Allocated', 'NodeAddressesListed')).endsWith('nobody hears from them: dn2')).toBe(true);
    // The last two fall silent, too, and so does every kubelet: who is left to say so is wrong rather than alone.
    for (const [index, name] of names.entries()) await address(name, ip(index)[0] ?? '', 'Unknown');
    await says('dn0', []);
    await eventually(
      async () => expect(await cluster.reason('web', 'Allocated', 'NodeAddressesListed')).toContain('stays as it was'),
      'blindness',
    );
    expect(await cluster.addresses('web')).toEqual(ip(0, 1));
    for (const [index, name] of names.entries()) await address(name, ip(index)[0] ?? '');
    for (const name of names)
      await says(
        name,
        names.filter(each => each !== name),
      );
    await cluster.assigned('web', ip(0, 1, 2));
  });

  it('tells the younger of two Services whose port it wants, and serves it when that is free', async () => {
    await cluster.createService('old', onNodes());
    await cluster.assigned('old', ip(0, 1, 2));
    await cluster.createService('young', onNodes());
    expect(await cluster.reason('young', 'Allocated', 'NodePortTaken')).toContain('default/old');
    await cluster.reason('young', 'Announced', 'NotAllocated');
    await cluster.deleteService('old');
    await cluster.assigned('young', ip(0, 1, 2));
  });

  it('follows endpoints under Local', async () => {
    await cluster.createService('web', onNodes({ spec: { externalTrafficPolicy: 'Local', selector: null } }));
    await cluster.reason('web', 'Allocated', 'NoNodeWithEndpoints');
    await cluster.endpoints('web', ['dn2']);
    await cluster.assigned('web', ip(2));
  });

  it('refuses ports of the nodes, and reads its own limit', async () => {
    await cluster.createService('ssh', onNodes({ spec: { ports: [{ port: 22 }] } }));
    await cluster.reason('ssh', 'Allocated', 'ProtectedPort');
    await cluster.createService('few', onNodes({ annotations: { 'heraldlb.io/max-nodes': '1' } }));
    await cluster.reason('few', 'Allocated', 'NodeAddressesListed');
    expect(await cluster.addresses('few')).toHaveLength(1);
    await cluster.patchService('few', { metadata: { annotations: { 'heraldlb.io/max-nodes': 'some' } } });
    expect(await cluster.reason('few', 'Allocated', 'InvalidRequest')).toContain('"some"');
  });

  it('is refused under IPVS, unless the speakers forward: then kube-proxy is told to leave the addresses alone', async () => {
    await cluster.createService('web', onNodes({ spec: { selector: null } }));
    await cluster.endpoints('web', ['dn0', 'dn1']);
    await cluster.assigned('web', ip(0, 1, 2));
    await says('dn1', ['dn0', 'dn2'], { kubeProxy: 'IPVS' });
    await cluster.reason('web', 'Allocated', 'KubeProxyIPVS');
    expect(await cluster.addresses('web')).toEqual([]);
    for (const name of ['dn0', 'dn1']) await says(name, [], { kubeProxy: 'IPVS', nodeForwarding: 'Ready' });
    const service = await cluster.assigned('web', ip(0, 1));
    expect(service.status?.loadBalancer?.ingress?.map(({ ipMode }) => ipMode)).toEqual(['Proxy', 'Proxy']);
    const announcement = await eventually(async () => {
      const found = await cluster.find(announcements, 'web');
      if (found?.spec.forward === undefined) throw new Error('not yet');
      return found;
    }, 'what to forward');
    expect(announcement.spec).toMatchObject({
      addresses: [],
      forward: {
        nodes: ['dn0', 'dn1'],
        trafficPolicy: 'Cluster',
        ports: [
          {
            protocol: 'TCP',
            port: 80,
            endpoints: [
              { ip: '10.244.0.1', port: 80, node: 'dn0' },
              { ip: '10.244.0.2', port: 80, node: 'dn1' },
            ],
          },
        ],
      },
    });
    for (const name of names)
      await says(
        name,
        names.filter(each => each !== name),
      );
    await cluster.serviceWhere(
      'web',
      each => each.status?.loadBalancer?.ingress?.every(({ ipMode }) => ipMode === 'VIP') === true,
      'VIPs again',
    );
    await eventually(async () => expect(await cluster.find(announcements, 'web')).toBeUndefined(), 'nothing to forward');
  });
});

describe('the default for Services without a class', () => {
  it('is a pool, or nodes; the switch keeps no address of the other and leaves nothing behind', async () => {
    await cluster.pool('lan', ['10.0.0.0/24']);
    await cluster.createService('web');
    await cluster.assigned('web', ['10.0.0.0']);
    await eventually(async () => expect(await cluster.find(announcements, 'web')).toBeDefined(), 'an Announcement');
    await replica.stop();
    replica = cluster.start({ nodeMode: { classless: true } });
    await cluster.assigned('web', ip(0, 1, 2));
    await eventually(async () => expect(await cluster.find(announcements, 'web')).toBeUndefined(), 'no Announcement');
    await cluster.createService('pooled', { spec: { loadBalancerClass: 'heraldlb.io/pool', ports: [{ port: 81 }] } });
    await cluster.assigned('pooled', ['10.0.0.0']);
    await replica.stop();
    replica = cluster.start();
    await cluster.assigned('web', ['10.0.0.1']);
  });
});

describe('a restart', () => {
  it('writes nothing, and does not take the dead for alive', async () => {
    await says('dn0', ['dn1']);
    await says('dn1', ['dn0']);
    await cluster.createService('web', onNodes());
    await cluster.assigned('web', ip(0, 1));
    await cluster.createService('other', onNodes());
    await cluster.reason('other', 'Allocated', 'NodePortTaken');
    await replica.stop();
    const version = async () => (await cluster.client.list(services, {})).items.map(({ metadata }) => metadata.resourceVersion).join();
    const before = await version();
    const proxy = new TestProxy(cluster.server.url);
    await proxy.up();
    replica = cluster.start({ connect: more => Promise.resolve(connectTo(proxy.url, more)) });
    await eventually(async () => expect(replica.log.some(({ msg }) => msg === 'ready')).toBe(true), 'the controller to be ready');
    await cluster.createService('late', onNodes({ spec: { ports: [{ port: 8080 }] } }));
    await cluster.assigned('late', ip(0, 1));
    expect(proxy.writes.filter(write => !write.includes('late') && !write.includes('events'))).toEqual([]);
    await cluster.deleteService('late');
    expect(await version()).toBe(before);
    await replica.stop();
    await proxy.down();
  });
});
