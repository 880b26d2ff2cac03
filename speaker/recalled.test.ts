import type { Announcement, AnnouncementOwner } from '@herald/crds';
import { expect, it } from 'vitest';
import { recalled } from './recalled.ts';
import { type SharedAddress, share } from './share.ts';

const IP = '192.0.2.1';
const SEGMENT = '192.0.2.0/24';
const HOUR = 3_600_000;
const NOON = Date.parse('2026-01-01T12:00:00Z');

const owner = (node: string, epoch: number, since = NOON): AnnouncementOwner => ({
  ip: IP,
  segment: SEGMENT,
  node,
  interface: 'eth0',
  mac: '02:00:00:00:00:01',
  since: new Date(since).toISOString(),
  epoch,
});

const mine = (epoch: number, sinceMs: number) => ({ segment: SEGMENT, epoch, sinceMs });
const duck = { segment: SEGMENT, to: 'b', untilMs: NOON + HOUR, forMs: HOUR };

function shareOf(owners: AnnouncementOwner[]): [Map<string, SharedAddress>, Announcement[]] {
  const announcement: Announcement = {
    apiVersion: 'heraldlb.io/v1beta1',
    kind: 'Announcement',
    metadata: { name: 's', namespace: 'default' },
    spec: { addresses: [{ ip: IP, pool: 'p', layer2: { nodes: ['a', 'b'], interfaces: [] } }] },
    status: { owners },
  };
  return [share([announcement], 'a', { hold: 0, drain: 0 }), [announcement]];
}

it.each<{ what: string; owners: AnnouncementOwner[]; saved: Partial<SharedAddress>; expected: Partial<SharedAddress> }>([
  {
    what: 'taken over while the API server was away',
    owners: [owner('b', 5)],
    saved: { restored: [mine(6, NOON + HOUR)] },
    expected: { restored: [mine(6, NOON + HOUR)], epoch: 6, lameDucks: [] },
  },
  {
    what: 'owned before it was taken over at a higher epoch',
    owners: [owner('b', 7)],
    saved: { restored: [mine(6, NOON + HOUR)] },
    expected: { restored: [], epoch: 7 },
  },
  {
    what: 'owned before the Announcement was made anew, with low epochs',
    owners: [owner('b', 1)],
    saved: { restored: [mine(57, NOON - HOUR)] },
    expected: { restored: [], epoch: 1 },
  },
  {
    what: 'owned as it is reported',
    owners: [owner('a', 5)],
    saved: { restored: [mine(5, NOON)] },
    expected: { restored: [mine(5, NOON)], epoch: 5 },
  },
  {
    what: 'lost and taken back',
    owners: [owner('a', 5)],
    saved: { restored: [mine(7, NOON + HOUR)] },
    expected: { restored: [mine(7, NOON + HOUR)], epoch: 7 },
  },
  {
    what: 'taken for the first time, and never reported',
    owners: [],
    saved: { restored: [mine(1, NOON)] },
    expected: { restored: [mine(1, NOON)], epoch: 1 },
  },
  {
    what: 'given away gently, which the new owner could not tell',
    owners: [],
    saved: { lameDucks: [duck] },
    expected: { restored: [], lameDucks: [duck] },
  },
  {
    what: 'given away gently, and reported',
    owners: [{ ...owner('b', 6), draining: { node: 'a', since: '2026-01-01T12:00:00Z', until: '2026-01-01T12:30:00Z' } }],
    saved: { lameDucks: [duck] },
    expected: { restored: [], lameDucks: [{ ...duck, untilMs: NOON + HOUR / 2, forMs: HOUR / 2 }] },
  },
])('$what', ({ owners, saved, expected }) => {
  const [shared, announcements] = shareOf(owners);
  const address = shared.get(IP) as SharedAddress;
  const result = recalled(shared, [{ ...address, restored: [], lameDucks: [], ...saved }], announcements);
  expect([...result]).toEqual([[IP, { ...address, ...expected }]]);
});

it('knows nothing of an address that is not in the plan any more', () => {
  const [shared, announcements] = shareOf([]);
  const saved = { ...(shared.get(IP) as SharedAddress), ip: '192.0.2.9', restored: [mine(3, NOON)] };
  expect(recalled(shared, [saved], announcements)).toEqual(shared);
});
