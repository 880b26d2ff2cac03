import type { AnnouncedAddress, Speaker, SpeakerRouteConflict, SpeakerSession } from '@herald/crds';
import { bgpAdvertisement } from '@herald/crds/testing';
import { describe, expect, it } from 'vitest';
import { BGPSessions, type SessionNode } from './sessions.ts';

const rack = (name: string) => [{ requirements: [{ key: 'rack', operator: 'In' as const, values: new Set([name]) }] }];
const nodes: SessionNode[] = [
  { name: 'a', labels: { rack: '1' }, ready: true },
  { name: 'b', labels: { rack: '2' }, ready: true },
  { name: 'off', labels: { rack: '2' }, ready: false },
];

function speaker(name: string, sessions: Partial<SpeakerSession>[], routeConflicts: SpeakerRouteConflict[] = []): Speaker {
  const complete = sessions.map(session => ({ peer: 'tor', state: 'Established' as const, ...session }));
  return { apiVersion: 'heraldlb.io/v1beta1', kind: 'Speaker', metadata: { name }, status: { sessions: complete, routeConflicts } };
}

const address = (ip: string, bgp: AnnouncedAddress['bgp'] = { advertisements: ['all'] }): AnnouncedAddress => ({
  ip,
  pool: 'lan',
  ...(bgp && { bgp }),
});

const conflict = (prefix: string) => ({ peer: 'tor', prefix, message: 'm' });

describe('what sessions carry', () => {
  it.each<[string, Speaker[], AnnouncedAddress, object]>([
    ['nothing reported', [], address('10.0.0.1'), {}],
    ['not by BGP', [speaker('a', [{}])], { ip: '10.0.0.1', pool: 'lan' }, {}],
    ['one node', [speaker('a', [{}]), speaker('b', [{ state: 'Active' }])], address('10.0.0.1'), { to: ['tor'] }],
    ['down everywhere', [speaker('a', [{ state: 'Connect' }])], address('10.0.0.1'), { down: ['tor'] }],
    [
      'one peer up, one down',
      [speaker('a', [{}, { peer: 'spine', state: 'Idle' }])],
      address('10.0.0.1'),
      { to: ['tor'], down: ['spine'] },
    ],
    ['the other family', [speaker('a', [{ families: ['ipv6'] }])], address('10.0.0.1'), { withoutFamily: ['tor'] }],
    ['each family', [speaker('a', [{ families: ['ipv6'] }])], address('fd00::1'), { to: ['tor'] }],
    ['a node that may not', [speaker('b', [{}])], address('10.0.0.1', { advertisements: ['all'], nodes: ['a'] }), {}],
    ['a node that is not Ready', [speaker('off', [{}])], address('10.0.0.1'), {}],
    ['a node that is gone', [speaker('gone', [{}])], address('10.0.0.1'), {}],
    ['a node that the advertisement does not select', [speaker('b', [{}])], address('10.0.0.1', { advertisements: ['rack-1'] }), {}],
    ['a peer that the advertisement leaves out', [speaker('a', [{}])], address('10.0.0.1', { advertisements: ['to-spine'] }), {}],
    ['an advertisement that is gone', [speaker('a', [{}])], address('10.0.0.1', { advertisements: ['gone'] }), {}],
  ])('%s', (_, speakers, planned, carriage) => {
    const ads = [
      bgpAdvertisement('all'),
      bgpAdvertisement('rack-1', { nodeSelectors: rack('1') }),
      bgpAdvertisement('to-spine', { peers: new Set(['spine']) }),
    ];
    const sessions = new BGPSessions({ bgpAdvertisements: ads }, nodes, speakers);
    expect(sessions.carriage(planned)).toEqual({ to: [], withoutFamily: [], down: [], ...carriage });
  });

  it('finds the conflicts of an address by the prefix, on the nodes that should announce it', () => {
    const sessions = new BGPSessions({ bgpAdvertisements: [] }, nodes, [
      speaker('a', [{}], [conflict('10.0.0.0/24'), conflict('not a prefix')]),
      speaker('b', [{}], [conflict('10.0.1.1/32')]),
    ]);
    const found = (ip: string, on?: string[]) =>
      sessions.conflicts(address(ip, { advertisements: ['all'], ...(on && { nodes: on }) })).map(({ node, prefix }) => `${node} ${prefix}`);
    expect(found('10.0.0.7')).toEqual(['a 10.0.0.0/24']);
    expect(found('10.0.0.7', ['b'])).toEqual([]);
    expect(found('10.0.1.1')).toEqual(['b 10.0.1.1/32']);
    expect(found('10.0.1.2')).toEqual([]);
    expect(sessions.conflicts({ ip: '10.0.0.7', pool: 'lan' })).toEqual([]);
  });
});
