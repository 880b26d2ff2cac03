import { apiVersion, type SpeakerConflict } from '@herald/crds';
import { events } from '@herald/kube';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { announcements, speakers } from './resources.ts';
import { eventually, TestCluster } from './testing/test-cluster.ts';

const mac = '02:00:00:00:00:66';
let cluster: TestCluster;

beforeEach(async () => {
  cluster = await TestCluster.start();
  await cluster.node('n1');
  await cluster.createConfig('L2Advertisement', 'lan', {});
  await cluster.client.create(speakers, { apiVersion, kind: 'Speaker', metadata: { name: 'n1' } });
  await says();
});
afterEach(() => cluster.stop());

/** What the speaker of n1 reports from now on. */
async function says(...list: Pick<SpeakerConflict, 'ip' | 'phase'>[]): Promise<void> {
  const conflicts = list.map(each => ({ interface: 'eth0', mac, since: '2026-01-01T00:00:00Z', ...each }));
  const ready = { type: 'Ready', status: 'True', reason: 'Running', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' } as const;
  const status = { conditions: [ready], conflicts };
  await cluster.client.apply(speakers, { metadata: { name: 'n1' }, status }, { subresource: 'status', fieldManager: 'test', force: true });
}

/** The speaker of n1 announces an address. */
async function owns(name: string, ip: string): Promise<void> {
  const owners = [
    { ip, segment: '10.0.0.0/24', node: 'n1', interface: 'eth0', mac: '02:00:00:00:00:01', since: '2026-01-01T00:00:00Z', epoch: 1 },
  ];
  const object = { metadata: { namespace: 'default', name }, status: { owners } };
  await cluster.client.apply(announcements, object, { subresource: 'status', fieldManager: 'test', force: true });
}

/** A Service whose address is planned on n1. */
async function serve(name: string, address: string, more: { annotations?: Record<string, string>; port?: number } = {}): Promise<void> {
  const { annotations = {}, port = 80 } = more;
  await cluster.createService(name, { annotations, spec: { ports: [{ port }] } });
  await cluster.endpoints(name, ['n1']);
  await cluster.assigned(name, [address]);
  await planned(name, address);
}

async function planned(name: string, address: string): Promise<void> {
  await eventually(async () => {
    const found = await cluster.find(announcements, name);
    expect(found?.spec.addresses).toMatchObject([{ ip: address, layer2: { nodes: ['n1'] } }]);
  }, `${name} to be planned with ${address}`);
}

/** Messages of the events of a reason on a Service. */
async function told(name: string, reason: string): Promise<(string | undefined)[]> {
  const { items } = await cluster.client.list(events, { namespace: 'default' });
  return items.filter(event => event.regarding?.name === name && event.reason === reason).map(({ note }) => note);
}

describe('a stranger on an address', () => {
  it('before its first use: the Service gets another one, once, and the event says why', async () => {
    await cluster.pool('lan', ['10.0.0.1-10.0.0.9']);
    const replica = cluster.start();
    await serve('web', '10.0.0.1');
    await says({ ip: '10.0.0.1', phase: 'Probe' });
    await cluster.assigned('web', ['10.0.0.2']);
    await planned('web', '10.0.0.2');
    const [message] = await eventually(async () => {
      const messages = await told('web', 'AddressChanged');
      expect(messages).toHaveLength(1);
      return messages;
    }, 'the event');
    for (const part of ['10.0.0.1 is replaced by 10.0.0.2', `${mac} on interface eth0 of node n1`]) expect(message).toContain(part);
    expect(replica.log.filter(line => line['mac'] === mac)).toHaveLength(1);
    // The speaker has no reason to look any more. The address is given to nobody, and nobody goes back to it.
    await says();
    await serve('next', '10.0.0.3');
    expect(await cluster.addresses('web')).toEqual(['10.0.0.2']);
    expect(await told('web', 'AddressChanged')).toHaveLength(1);
  });

  it('the address is given out again once its time is over', async () => {
    await cluster.pool('lan', ['10.0.0.1-10.0.0.2']);
    cluster.start({ conflictQuarantineMs: 1500 });
    await serve('web', '10.0.0.1');
    await says({ ip: '10.0.0.1', phase: 'Probe' });
    await cluster.assigned('web', ['10.0.0.2']);
    await says();
    await cluster.createService('next');
    await cluster.assigned('next', ['10.0.0.1']);
    expect(await cluster.addresses('web')).toEqual(['10.0.0.2']);
  });

  it.each<[string, () => Promise<void>, SpeakerConflict['phase'], string]>([
    [
      'found before its first use, and asked for by name',
      () => serve('web', '10.0.0.1', { annotations: { 'heraldlb.io/loadBalancerIPs': '10.0.0.1' } }),
      'Probe',
      'not announced while that lasts',
    ],
    [
      'found when it is to be announced again, after it was in use',
      async () => {
        await serve('web', '10.0.0.1');
        await owns('web', '10.0.0.1');
        await cluster.reason('web', 'Announced', 'Announced');
        const silent = { metadata: { namespace: 'default', name: 'web' }, status: { owners: [] } };
        await cluster.client.apply(announcements, silent, { subresource: 'status', fieldManager: 'test', force: true });
        await cluster.reason('web', 'Announced', 'WaitingForSpeakers');
      },
      'Probe',
      'not announced while that lasts',
    ],
    [
      'found while announcing',
      async () => {
        await serve('web', '10.0.0.1');
        await owns('web', '10.0.0.1');
        await cluster.reason('web', 'Announced', 'Announced');
      },
      'Announcing',
      'which defends it',
    ],
  ])('%s: the Service keeps it and says who else has it', async (_, given, phase, says_) => {
    await cluster.pool('lan', ['10.0.0.1-10.0.0.9']);
    cluster.start();
    await given();
    await says({ ip: '10.0.0.1', phase });
    const message = await cluster.reason('web', 'Announced', 'AddressConflict');
    expect(message).toContain(`${mac} on interface eth0 of node n1`);
    expect(message).toContain(says_);
    // Another Service is answered after the report was read: by then the address would have moved.
    await serve('next', '10.0.0.2');
    expect(await cluster.addresses('web')).toEqual(['10.0.0.1']);
    await says();
    await cluster.serviceWhere('web', ({ status }) => !JSON.stringify(status).includes(mac), 'no conflict');
  });

  it('Services that share the address move together', async () => {
    await cluster.pool('lan', ['10.0.0.1-10.0.0.9']);
    cluster.start();
    const annotations = { 'heraldlb.io/allow-shared-ip': 'key' };
    await serve('one', '10.0.0.1', { annotations, port: 80 });
    await serve('two', '10.0.0.1', { annotations, port: 81 });
    await says({ ip: '10.0.0.1', phase: 'Probe' });
    for (const name of ['one', 'two']) await cluster.assigned(name, ['10.0.0.2']);
    await eventually(async () => {
      for (const name of ['one', 'two']) expect((await told(name, 'AddressChanged')).join()).toContain(mac);
    }, 'an event on each');
  });

  it('a new leader reads what the speakers report, and moves nothing that it found held', async () => {
    await cluster.pool('lan', ['10.0.0.1-10.0.0.9']);
    const first = cluster.start();
    await serve('web', '10.0.0.1');
    await first.stop();
    await says({ ip: '10.0.0.1', phase: 'Probe' });
    cluster.start();
    expect(await cluster.reason('web', 'Announced', 'AddressConflict')).toContain(mac);
    await serve('next', '10.0.0.2');
    expect(await cluster.addresses('web')).toEqual(['10.0.0.1']);
  });
});
