import { apiVersion, type SpeakerSegment } from '@herald/crds';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { announcements, speakers } from './resources.ts';
import { eventually, TestCluster } from './testing/test-cluster.ts';

let cluster: TestCluster;
const nodes = ['n1', 'n2'];

beforeEach(async () => {
  cluster = await TestCluster.start();
  for (const name of nodes) {
    await cluster.node(name);
    await cluster.client.create(speakers, { apiVersion, kind: 'Speaker', metadata: { name } });
    await says(name);
  }
  await cluster.createConfig('L2Advertisement', 'lan', {});
  await cluster.pool('lan', ['10.0.0.1-10.0.0.9']);
});
afterEach(() => cluster.stop());

/** What the speaker of a node reports of its only interface. */
async function says(name: string, unfitReason?: string): Promise<void> {
  const segment: SpeakerSegment = { interface: 'eth0', segment: '10.0.0.0/24', carrier: true, fit: unfitReason === undefined };
  const segments = [unfitReason === undefined ? segment : { ...segment, unfitReason }];
  const ready = { type: 'Ready', status: 'True', reason: 'Running', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' } as const;
  const status = { conditions: [ready], segments };
  await cluster.client.apply(speakers, { metadata: { name }, status }, { subresource: 'status', fieldManager: 'test', force: true });
}

async function excluded(): Promise<(string | undefined)[]> {
  const found = await cluster.find(announcements, 'web');
  return (found?.status?.nodes ?? []).map(({ node, reason, message }) => `${node} ${reason} ${message}`);
}

/** What kubectl's column WHY NOT shows. */
async function told(): Promise<string[]> {
  const found = await cluster.find(announcements, 'web');
  return (found?.spec.reasons ?? []).map(({ ip, reason }) => `${ip} ${reason}`);
}

it('says which nodes judge themselves unfit while nobody announces, and no longer when one does', async () => {
  cluster.start();
  await cluster.createService('web', { spec: { ports: [{ port: 80 }] } });
  await cluster.endpoints('web', ['n1']);
  await cluster.assigned('web', ['10.0.0.1']);
  await says('n1', 'the link is down');
  await eventually(async () => expect(await excluded()).toEqual(['n1 NodeUnfit eth0: the link is down']), 'n1 to be told unfit');
  expect(await cluster.reason('web', 'Announced', 'WaitingForSpeakers')).toContain('n1');
  await says('n2', 'no peer hears this node');
  await eventually(async () => expect(await told()).toEqual(['10.0.0.1 AllNodesUnfit']), 'the column WHY NOT, once it lasts');
  const message = await cluster.reason('web', 'Announced', 'AllNodesUnfit');
  for (const part of ['n1 (eth0: the link is down)', 'n2 (eth0: no peer hears this node)']) expect(message).toContain(part);
  await says('n2');
  const owners = [
    {
      ip: '10.0.0.1',
      segment: '10.0.0.0/24',
      node: 'n2',
      interface: 'eth0',
      mac: '02:00:00:00:00:02',
      since: '2026-01-01T00:00:00Z',
      epoch: 1,
    },
  ];
  const object = { metadata: { namespace: 'default', name: 'web' }, status: { owners } };
  await cluster.client.apply(announcements, object, { subresource: 'status', fieldManager: 'speaker', force: true });
  expect(await cluster.reason('web', 'Announced', 'Announced')).toContain('n2 (eth0)');
  await eventually(async () => expect(await excluded()).toEqual([]), 'nobody to be told unfit');
  await eventually(async () => expect(await told()).toEqual([]), 'the column to be empty');
});
