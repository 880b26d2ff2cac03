import { apiVersion, type BGPPeerStatus, type SpeakerSession, type SpeakerStatus } from '@herald/crds';
import { findCondition, nodes } from '@herald/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { speakers } from '../resources.ts';
import { eventually, TestCluster } from '../testing/test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start({ network: { serviceCidrs: ['10.96.0.0/16', 'fd00:96::/112'] } });
  for (const name of ['a', 'b']) await cluster.node(name, { rack: name });
  await cluster.pool('lan', ['10.0.0.0/24'], { autoAssign: true });
  await cluster.pool('six', ['fd00::/112'], { autoAssign: false });
  await cluster.createConfig('BGPAdvertisement', 'all', {});
  cluster.start();
  await cluster.createService('web');
  await cluster.endpoints('web', ['a', 'b']);
});
afterAll(() => cluster.stop());

const up = (more: Partial<SpeakerSession> = {}): SpeakerSession => ({ peer: 'tor', state: 'Established', families: ['ipv4'], ...more });

async function report(node: string, sessions: SpeakerSession[], more: SpeakerStatus = {}): Promise<void> {
  const object = { apiVersion, kind: 'Speaker' as const, metadata: { name: node } };
  if ((await cluster.client.find(speakers, { name: node })) === undefined) await cluster.client.create(speakers, object);
  const status = { sessions, routeConflicts: more.routeConflicts ?? [] };
  await cluster.client.patch(speakers, { name: node }, { status }, { type: 'merge', subresource: 'status' });
}

const status = async (): Promise<BGPPeerStatus> => (await cluster.config('BGPPeer', 'tor')).status ?? {};

function peer(what: string, holds: (status: BGPPeerStatus) => boolean): Promise<BGPPeerStatus> {
  return eventually(async () => {
    const seen = await status();
    if (!holds(seen)) throw new Error(JSON.stringify(seen));
    return seen;
  }, `BGPPeer tor: ${what}`);
}

const ready = (is: 'True' | 'Unknown') => ({ status: { conditions: [{ type: 'Ready', status: is }] } });
const established = (seen: BGPPeerStatus) => findCondition(seen.conditions, 'Established');

describe('BGP as the controller tells it', () => {
  it('no peer at all', async () => {
    expect(await cluster.reason('web', 'Announced', 'NoPeer')).toContain('no BGPPeer');
  });

  it('a peer that nobody has reported', async () => {
    await cluster.createConfig('BGPPeer', 'tor', { myASN: 64500, peerASN: 64501, peerAddress: '10.9.0.1' });
    await cluster.reason('web', 'Announced', 'NoSpeaker');
    const { problems } = await peer('0/2', each => each.established === '0/2');
    expect(problems).toEqual(['a', 'b'].map(node => ({ node, message: 'no speaker runs on the node' })));
  });

  it('sessions that are down, and why', async () => {
    for (const name of ['a', 'b']) await report(name, [up({ state: 'Active', lastError: 'connection refused' })]);
    expect(await cluster.reason('web', 'Announced', 'NoSession')).toContain('no session with tor is established');
    const seen = await peer('the error', each => each.lastError === 'a: connection refused');
    expect(established(seen)).toMatchObject({ status: 'False', reason: 'SessionsDown' });
  });

  it('one session up, then both', async () => {
    await report('a', [up({ routesAnnounced: 1 })]);
    expect(await cluster.reason('web', 'Announced', 'Announced')).toBe('10.0.0.0 by BGP (tor)');
    const { resourceVersion } = (await cluster.service('web')).metadata;
    await peer('1/2', each => each.established === '1/2' && each.problems?.length === 1);
    await report('b', [up({ routesAnnounced: 1 })]);
    const seen = await peer('2/2', each => each.established === '2/2' && each.routesAnnounced === 2);
    expect(seen.lastError).toBeUndefined();
    expect(established(seen)).toMatchObject({ status: 'True', reason: 'SessionsEstablished' });
    // A session more or less is no write of every Service.
    expect((await cluster.service('web')).metadata.resourceVersion).toBe(resourceVersion);
  });

  it('writes nothing while nothing changes', async () => {
    const { metadata } = await cluster.config('BGPPeer', 'tor');
    await report('a', [up({ routesAnnounced: 1, since: '2026-01-01T00:00:00Z' })]);
    await cluster.createService('another');
    await cluster.assigned('another', ['10.0.0.1']);
    await new Promise(resolve => setTimeout(resolve, 800));
    expect((await cluster.config('BGPPeer', 'tor')).metadata.resourceVersion).toBe(metadata.resourceVersion);
  });

  it('a family that no session carries', async () => {
    await cluster.createService('six', { annotations: { 'heraldlb.io/address-pool': 'six' }, spec: { ipFamilies: ['IPv6'] } });
    await cluster.endpoints('six', ['a']);
    expect(await cluster.reason('six', 'Announced', 'FamilyNotNegotiated')).toContain('tor are established, but carry no IPv6 routes');
  });

  it('advertisements that contradict each other, as a speaker reports them', async () => {
    const message = 'advertisements want different med: all: none; other: 5';
    await report('a', [up()], { routeConflicts: [{ peer: 'tor', prefix: '10.0.0.0/32', message }] });
    expect(await cluster.reason('web', 'Announced', 'ConflictingAdvertisements')).toContain(message);
    await report('a', [up()]);
    await cluster.reason('web', 'Announced', 'Announced');
  });

  it('a node that is not Ready counts no more, whatever its speaker said last', async () => {
    await report('b', [up({ state: 'Idle' })]);
    await cluster.client.patch(nodes, { name: 'a' }, ready('Unknown'), { type: 'merge', subresource: 'status' });
    await peer('0/2', each => each.established === '0/2' && each.problems?.[0]?.message.includes('not Ready') === true);
    await cluster.reason('web', 'Announced', 'NoSession');
    await cluster.client.patch(nodes, { name: 'a' }, ready('True'), { type: 'merge', subresource: 'status' });
    await cluster.reason('web', 'Announced', 'Announced');
  });

  it('a peer that selects no node, and one that is not valid', async () => {
    await cluster.patchConfig('BGPPeer', 'tor', { nodeSelectors: [{ matchLabels: { rack: 'z' } }] });
    const seen = await peer('0/0', each => each.established === '0/0');
    expect(established(seen)?.reason).toBe('NoNodeSelected');
    await cluster.reason('web', 'Announced', 'NoPeer');
    await cluster.createConfig('BGPPeer', 'same', { myASN: 64500, peerASN: 64501, peerAddress: '10.9.0.1' });
    await cluster.patchConfig('BGPPeer', 'tor', { nodeSelectors: null });
    const again = await eventually(async () => {
      const condition = established((await cluster.config('BGPPeer', 'same')).status as BGPPeerStatus);
      if (condition?.reason !== 'ConflictingPeers') throw new Error(JSON.stringify(condition));
      return condition;
    }, 'ConflictingPeers');
    expect(again.status).toBe('False');
  });
});
