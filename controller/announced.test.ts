import type { Announcement, AnnouncementSpec, Speaker } from '@herald/crds';
import { bgpAdvertisement } from '@herald/crds/testing';
import { describe, expect, it } from 'vitest';
import { announcedCondition, silentReasons } from './announced.ts';
import { BGPSessions } from './bgp/sessions.ts';

const ip = '10.0.0.1';
const layer2: AnnouncementSpec = { addresses: [{ ip, pool: 'lan', layer2: { nodes: ['a', 'b'], interfaces: [] } }] };
const bgp: AnnouncementSpec = { addresses: [{ ip, pool: 'lan', bgp: { advertisements: ['x'] } }] };
/** On the second interface of the node. */
const elsewhere: AnnouncementSpec = { addresses: [{ ip, pool: 'lan', layer2: { nodes: ['a'], interfaces: ['eth1'] } }] };
const silent: AnnouncementSpec = {
  addresses: [{ ip, pool: 'lan' }],
  reasons: [{ ip, reason: 'NoAdvertisement', message: 'no advertisement selects lan' }],
};

function speaker(name: string, ready: 'True' | 'False' = 'True', state?: 'Established' | 'Active', more: object = {}): Speaker {
  const conditions = [{ type: 'Ready', status: ready, reason: 'R', message: '', lastTransitionTime: 't' }];
  const status = {
    conditions,
    ...(state === undefined ? {} : { sessions: [{ peer: 'tor', state, families: ['ipv4' as const] }] }),
    ...more,
  };
  return { apiVersion: 'heraldlb.io/v1beta1', kind: 'Speaker', metadata: { name }, status };
}

const twoWays = { routeConflicts: [{ peer: 'tor', prefix: '10.0.0.0/24', message: 'advertisements want different med: x: 1; y: 2' }] };
const six: AnnouncementSpec = { addresses: [{ ip: 'fd00::1', pool: 'lan', bgp: { advertisements: ['x'] } }] };
const both: AnnouncementSpec = {
  addresses: [{ ip, pool: 'lan', layer2: { nodes: ['a', 'b'], interfaces: [] }, bgp: { advertisements: ['x'] } }],
};

function sessions(speakers: readonly Speaker[]): BGPSessions {
  const nodes = ['a', 'b', 'c'].map(name => ({ name, labels: {}, ready: true }));
  return new BGPSessions({ bgpAdvertisements: [bgpAdvertisement('x')] }, nodes, speakers);
}

/** `spare`: on another interface it is fit. */
function unfit(name: string, unfitReason: string, spare = false): Speaker {
  const segment = { segment: '10.0.0.0/24', carrier: true };
  const segments = [
    { ...segment, interface: 'eth0', fit: false, unfitReason },
    ...(spare ? [{ ...segment, interface: 'eth1', fit: true }] : []),
  ];
  const { status, ...rest } = speaker(name, 'False');
  return { ...rest, status: { ...status, segments } };
}

function owned(...nodes: string[]): Announcement {
  const owners = nodes.map(node => ({
    ip,
    segment: '10.0.0.0/24',
    node,
    interface: 'eth0',
    mac: '02:00:00:00:00:01',
    since: 't',
    epoch: 1,
  }));
  return { apiVersion: 'heraldlb.io/v1beta1', kind: 'Announcement', metadata: { name: 'web' }, spec: layer2, status: { owners } };
}

function conflicting(name: string, phase: 'Probe' | 'Announcing'): Speaker {
  const conflict = { interface: 'eth0', phase, since: 't' };
  const conflicts = [
    { ...conflict, ip: '10.0.0.9', mac: '02:00:00:00:00:65' },
    { ...conflict, ip, mac: '02:00:00:00:00:66' },
  ];
  return { ...speaker(name), status: { conflicts } };
}

describe('announcedCondition', () => {
  it.each<[string, AnnouncementSpec | null, Announcement | undefined, Speaker[], string, string]>([
    ['no address', null, undefined, [], 'NotAllocated', 'no address'],
    ['not planned', silent, undefined, [speaker('a')], 'NoAdvertisement', 'no advertisement selects lan'],
    ['planned, no speaker at all', layer2, undefined, [], 'NoSpeaker', 'no speaker runs on a, b'],
    ['planned, speakers elsewhere', layer2, undefined, [speaker('c')], 'NoSpeaker', 'no speaker runs on a, b'],
    ['planned, speaker not ready', layer2, undefined, [speaker('a', 'False')], 'NoSpeaker', 'no speaker is ready'],
    ['planned, not reported', layer2, undefined, [speaker('a')], 'WaitingForSpeakers', 'have not reported'],
    ['owned', layer2, owned('b'), [speaker('b')], 'Announced', '10.0.0.1 by b (eth0)'],
    ['owned by a node that may no longer', layer2, owned('z'), [speaker('a')], 'WaitingForSpeakers', 'have not reported'],
    [
      'a stranger on it before its first use',
      layer2,
      undefined,
      [conflicting('a', 'Probe')],
      'AddressConflict',
      '10.0.0.1: is used by 02:00:00:00:00:66 on interface eth0 of node a, found before its first use',
    ],
    [
      'a stranger on it while announced',
      layer2,
      owned('a'),
      [conflicting('a', 'Announcing')],
      'AddressConflict',
      '10.0.0.1: is also claimed by 02:00:00:00:00:66 on interface eth0 of node a, which defends it',
    ],
    ['what a node said that announces it no longer', layer2, owned('a'), [conflicting('c', 'Probe')], 'Announced', '10.0.0.1 by a (eth0)'],
    [
      'every node unfit, one without a speaker',
      layer2,
      undefined,
      [unfit('a', 'the link is down')],
      'AllNodesUnfit',
      '10.0.0.1: no eligible node can announce it at the moment: a (eth0: the link is down)',
    ],
    ['one of two unfit', layer2, undefined, [unfit('a', 'the link is down'), speaker('b')], 'WaitingForSpeakers', 'have not reported'],
    [
      'unfit on an interface that does not matter',
      elsewhere,
      undefined,
      [unfit('a', 'the link is down', true)],
      'NoSpeaker',
      'no speaker is ready',
    ],
    ['unfit, and others announce it', layer2, owned('b'), [unfit('a', 'the link is down'), speaker('b')], 'Announced', 'by b'],
    ['session up', bgp, undefined, [speaker('a', 'True', 'Established')], 'Announced', '10.0.0.1 by BGP (tor)'],
    ['session down', bgp, undefined, [speaker('a', 'True', 'Active')], 'NoSession', 'no session with tor is established on any node'],
    ['session not reported', bgp, undefined, [speaker('a')], 'WaitingForSpeakers', 'have not reported'],
    [
      'session up without the family',
      six,
      undefined,
      [speaker('a', 'True', 'Established')],
      'FamilyNotNegotiated',
      'with tor are established, but carry no IPv6',
    ],
    [
      'advertisements that contradict each other',
      bgp,
      undefined,
      [speaker('a', 'True', 'Established', twoWays), speaker('b', 'True', 'Established', twoWays)],
      'ConflictingAdvertisements',
      '10.0.0.1: 10.0.0.0/24 is not announced to BGPPeer tor: advertisements want different med: x: 1; y: 2',
    ],
    ['by both', both, owned('a'), [speaker('a', 'True', 'Established')], 'Announced', '10.0.0.1 by a (eth0), BGP (tor)'],
    ['by both, the session down', both, owned('a'), [speaker('a', 'True', 'Active')], 'Announced', '10.0.0.1 by a (eth0)'],
    ['by BGP alone where no interface can be used', both, undefined, [speaker('a', 'False', 'Established')], 'Announced', 'BGP (tor)'],
    ['by neither', both, undefined, [speaker('a', 'False', 'Active')], 'NoSession', 'no session with tor'],
  ])('%s: %s', (_, spec, announcement, speakers, reason, message) => {
    const condition = announcedCondition(spec, announcement, speakers, sessions(speakers));
    expect(condition.reason).toBe(reason);
    expect(condition.message).toContain(message);
  });

  it('names what is missing when only some addresses are announced', () => {
    const halves: AnnouncementSpec = {
      addresses: [...layer2.addresses, ...silent.addresses.map(address => ({ ...address, ip: '10.0.0.2' }))],
      reasons: [{ ip: '10.0.0.2', reason: 'NoAdvertisement', message: 'nobody' }],
    };
    expect(announcedCondition(halves, owned('a'), [speaker('a')], sessions([]))).toEqual({
      status: 'False',
      reason: 'PartiallyAnnounced',
      message: '10.0.0.2: nobody',
    });
  });
});

it.each<[string, AnnouncementSpec, Announcement | undefined, Speaker[], string[]]>([
  ['a node announces it', layer2, owned('a'), [speaker('a')], []],
  ['the plan says why not', silent, undefined, [], []],
  ['no speaker runs', layer2, undefined, [], ['NoSpeaker']],
  ['no speaker has taken it yet', layer2, undefined, [speaker('a')], []],
  ['every node is unfit', layer2, undefined, [unfit('a', 'the link is down'), unfit('b', 'the link is down')], ['AllNodesUnfit']],
  ['a stranger has it, too', layer2, owned('a'), [conflicting('a', 'Announcing')], ['AddressConflict']],
  ['no session is up', bgp, undefined, ['a', 'b', 'c'].map(name => speaker(name, 'True', 'Active')), ['NoSession']],
])('in the Announcement, where %s', (_, spec, announcement, speakers, reasons) => {
  const found = silentReasons(spec, announcement, speakers, sessions(speakers));
  expect(found.map(({ reason }) => reason)).toEqual(reasons);
  for (const each of found) expect([each.ip, each.message]).toEqual([ip, expect.stringMatching(/./)]);
});
