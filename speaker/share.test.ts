import type { AnnouncedAddress, Announcement, AnnouncementOwner } from '@herald/crds';
import { describe, expect, it } from 'vitest';
import { REBALANCE, share } from './share.ts';

const owner = (ip: string, epoch: number): AnnouncementOwner => ({
  ip,
  segment: '192.0.2.0/24',
  node: 'a',
  interface: 'eth0',
  mac: '02:00:00:00:00:01',
  since: '2026-01-01T00:00:00Z',
  epoch,
});

const announcement = (name: string, addresses: AnnouncedAddress[], owners: AnnouncementOwner[] = []): Announcement => ({
  apiVersion: 'heraldlb.io/v1beta1',
  kind: 'Announcement',
  metadata: { name, namespace: 'default' },
  spec: { addresses },
  status: { owners },
});

const layer2 = (nodes: string[], interfaces: string[] = []) => ({ nodes, interfaces });

/** Node a's part in one address of Service s that it alone may own. */
const part = (more: object = {}) => ({
  nodes: ['a'],
  interfaces: [],
  eligible: true,
  hold: 3_000,
  drain: 5_000,
  lameDucks: [],
  restored: [],
  epoch: 0,
  announcements: ['default/s'],
  ...more,
});

describe('share', () => {
  it.each([
    ['nothing planned', [], {}],
    ['an address for BGP only', [announcement('s', [{ ip: '192.0.2.1', pool: 'p', bgp: { advertisements: [] } }])], {}],
    [
      'an address this node may own',
      [announcement('s', [{ ip: '192.0.2.1', pool: 'p', layer2: layer2(['b', 'a']) }])],
      { '192.0.2.1': part({ nodes: ['b', 'a'] }) },
    ],
    [
      'an address that is not held whatever the default',
      [announcement('s', [{ ip: '192.0.2.1', pool: 'p', layer2: { ...layer2(['a']), holdSeconds: 0, drainSeconds: 7 } }])],
      { '192.0.2.1': part({ hold: 0, drain: 7_000 }) },
    ],
    [
      'an address others may own',
      [announcement('s', [{ ip: '192.0.2.1', pool: 'p', layer2: layer2(['b']) }])],
      { '192.0.2.1': part({ nodes: ['b'], eligible: false }) },
    ],
    [
      'interfaces of its own',
      [
        announcement('s', [
          { ip: '192.0.2.1', pool: 'p', layer2: { ...layer2(['a'], ['eth0']), nodeInterfaces: [{ node: 'a', interfaces: ['eth1'] }] } },
        ]),
      ],
      { '192.0.2.1': part({ interfaces: ['eth1'] }) },
    ],
    [
      'the highest epoch of all owners',
      [announcement('s', [{ ip: '192.0.2.1', pool: 'p', layer2: layer2(['a']) }], [owner('192.0.2.1', 4), owner('192.0.2.9', 9)])],
      { '192.0.2.1': part({ restored: [{ segment: '192.0.2.0/24', epoch: 4, sinceMs: Date.parse('2026-01-01T00:00:00Z') }], epoch: 4 }) },
    ],
    [
      'two Services with one address: one order, both named',
      [
        announcement('t', [{ ip: '192.0.2.1', pool: 'p', layer2: layer2(['b']) }]),
        announcement('s', [{ ip: '192.0.2.1', pool: 'p', layer2: layer2(['a', 'b']) }]),
      ],
      { '192.0.2.1': part({ nodes: ['a', 'b'], announcements: ['default/s', 'default/t'] }) },
    ],
    [
      'two Services, the first without nodes',
      [
        announcement('s', [{ ip: '192.0.2.1', pool: 'p', layer2: layer2([]) }]),
        announcement('t', [{ ip: '192.0.2.1', pool: 'p', layer2: layer2(['a']) }]),
      ],
      { '192.0.2.1': part({ announcements: ['default/s', 'default/t'] }) },
    ],
    [
      'two Services, the first has just been made',
      [
        announcement('s', [{ ip: '192.0.2.1', pool: 'p', layer2: layer2(['a']) }]),
        announcement('t', [{ ip: '192.0.2.1', pool: 'p', layer2: layer2(['a']) }], [owner('192.0.2.1', 4)]),
      ],
      {
        '192.0.2.1': part({
          restored: [{ segment: '192.0.2.0/24', epoch: 4, sinceMs: Date.parse('2026-01-01T00:00:00Z') }],
          epoch: 4,
          announcements: ['default/s', 'default/t'],
        }),
      },
    ],
    [
      'two Services, of which the second tells of a later owner',
      [
        announcement('s', [{ ip: '192.0.2.1', pool: 'p', layer2: layer2(['a']) }], [owner('192.0.2.1', 4)]),
        announcement('t', [{ ip: '192.0.2.1', pool: 'p', layer2: layer2(['a']) }], [{ ...owner('192.0.2.1', 5), node: 'b' }]),
      ],
      {
        '192.0.2.1': part({
          epoch: 5,
          lastOwners: [{ segment: '192.0.2.0/24', node: 'b', mac: '02:00:00:00:00:01' }],
          announcements: ['default/s', 'default/t'],
        }),
      },
    ],
    [
      'a last owner with a MAC that is none',
      [announcement('s', [{ ip: '192.0.2.1', pool: 'p', layer2: layer2(['a']) }], [{ ...owner('192.0.2.1', 5), node: 'b', mac: 'none' }])],
      { '192.0.2.1': part({ epoch: 5 }) },
    ],
    ['what is no address', [announcement('s', [{ ip: 'nonsense', pool: 'p', layer2: layer2(['a']) }])], {}],
    [
      'an address in another spelling',
      [announcement('s', [{ ip: '2001:DB8:0::1', pool: 'p', layer2: layer2(['a']) }])],
      { '2001:db8::1': part() },
    ],
    [
      'an Announcement that is being deleted',
      [
        {
          ...announcement('s', [{ ip: '192.0.2.1', pool: 'p', layer2: layer2(['a']) }]),
          metadata: { name: 's', namespace: 'default', deletionTimestamp: '2026-01-01T00:00:00Z' },
        },
      ],
      {},
    ],
  ])('%s', (_, announcements, expected) => {
    const withoutIp = Object.fromEntries(
      [...share(announcements, 'a', { hold: 3_000, drain: 5_000 })].map(([key, { ip, ...rest }]) => [key, ip === key ? rest : undefined]),
    );
    expect(withoutIp).toEqual(expected);
  });
});

const asked = (name: string, at: string, preemption?: 'Never' | 'Preferred'): Announcement => {
  const plan = { ...layer2(['a']), ...(preemption && { preemption }) };
  const plain = announcement(name, [{ ip: '192.0.2.1', pool: 'p', layer2: plan }]);
  return { ...plain, metadata: { ...plain.metadata, annotations: { [REBALANCE]: at } } };
};

describe('moves that are asked for', () => {
  const noon = '2026-01-01T12:00:00Z';

  it.each<[string, Announcement[], object]>([
    ['a time', [asked('s', noon)], { rebalance: Date.parse(noon) }],
    ['the later of two', [asked('s', noon), asked('t', '2026-01-01T11:00:00Z')], { rebalance: Date.parse(noon) }],
    ['the later of two, the other way round', [asked('s', '2026-01-01T11:00:00Z'), asked('t', noon)], { rebalance: Date.parse(noon) }],
    ['no time', [asked('s', 'now')], {}],
    ['preemption', [asked('s', '', 'Preferred')], { preempt: true }],
    ['no preemption', [asked('s', '', 'Never')], {}],
  ])('%s', (_, announcements, expected) => {
    const { preempt, rebalance } = share(announcements, 'a', { hold: 0, drain: 0 }).get('192.0.2.1') ?? {};
    expect({ ...(preempt !== undefined && { preempt }), ...(rebalance !== undefined && { rebalance }) }).toEqual(expected);
  });
});
