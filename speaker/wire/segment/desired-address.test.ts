import { expect, test } from 'vitest';
import type { DesiredAddress } from '../../mesh/state.ts';
import type { WireAddress } from '../messages.ts';
import { desiredOf } from './desired-address.ts';

const NOW = 5_000;
const WALL = 1_700_000_000_000;
const SEGMENT = '192.0.2.0/24';

const planned: WireAddress = {
  ip: '192.0.2.10',
  nodes: ['node-a', 'node-b'],
  interfaces: [],
  epoch: 7,
  hold: 60_000,
  drain: 120_000,
  restored: [],
  lameDucks: [],
};
const plain: DesiredAddress = { order: ['node-a', 'node-b'], epoch: 7, hold: 60_000, drain: 120_000 };

test.each<{ what: string; given: Partial<WireAddress>; wanted: Partial<DesiredAddress> }>([
  { what: 'a plain address', given: {}, wanted: {} },
  { what: 'preemption', given: { preempt: true, preference: [1, 1] }, wanted: { preempt: true, preference: [1, 1] } },
  { what: 'a rebalance asked for two seconds ago', given: { rebalance: WALL - 2_000 }, wanted: { rebalance: 3_000 } },
  {
    what: 'a rebalance asked for by a clock that is ahead: it is asked for now, and what is claimed later is none of it',
    given: { rebalance: WALL + 600_000 },
    wanted: { rebalance: NOW },
  },
  {
    what: 'a claim of before the process began',
    given: { restored: [{ segment: SEGMENT, epoch: 6, sinceMs: WALL - 60_000 }] },
    wanted: { restored: 6, restoredSince: -55_000 },
  },
  {
    what: 'a claim of when the interface had only the other of its subnets',
    given: { restored: [{ segment: '2001:db8::/64', epoch: 6, sinceMs: WALL - 60_000 }] },
    wanted: { restored: 6, restoredSince: -55_000 },
  },
  {
    what: 'another node that had it before, here and on another segment',
    given: {
      lastOwners: [
        { segment: '198.51.100.0/24', node: 'node-a', mac: '02:00:00:00:00:0a' },
        { segment: SEGMENT, node: 'node-b', mac: '02:00:00:00:00:0b' },
      ],
    },
    wanted: { lastOwner: { node: 'node-b', mac: '02:00:00:00:00:0b' } },
  },
  {
    what: 'a claim dated in the future, as the wall clock was set back',
    given: { restored: [{ segment: SEGMENT, epoch: 6, sinceMs: WALL + 60_000 }] },
    wanted: { restored: 6, restoredSince: NOW },
  },
  {
    what: 'a claim that was taken over gently',
    given: { restored: [{ segment: SEGMENT, epoch: 6, quiet: { from: 'node-b', untilMs: WALL + 9_000 } }] },
    wanted: { restored: 6, restoredQuiet: { from: 'node-b', since: NOW, until: 14_000 } },
  },
  {
    what: 'a lame duck of before',
    given: { lameDucks: [{ segment: SEGMENT, to: 'node-b', untilMs: WALL + 1_000 }] },
    wanted: { restoredLameDuck: { to: 'node-b', until: 6_000 } },
  },
  {
    what: 'moves that end in the far future, as the wall clock was set back: no longer than they were to last',
    given: {
      restored: [{ segment: SEGMENT, epoch: 6, quiet: { from: 'node-b', untilMs: WALL + 3_600_000, forMs: 60_000 } }],
      lameDucks: [{ segment: SEGMENT, to: 'node-b', untilMs: WALL + 3_600_000, forMs: 60_000 }],
    },
    wanted: {
      restored: 6,
      restoredQuiet: { from: 'node-b', since: NOW, until: 65_000 },
      restoredLameDuck: { to: 'node-b', until: 65_000 },
    },
  },
  {
    what: 'the same from a snapshot that does not say how long: no longer than a move of the address may last',
    given: { lameDucks: [{ segment: SEGMENT, to: 'node-b', untilMs: WALL + 3_600_000 }] },
    wanted: { restoredLameDuck: { to: 'node-b', until: NOW + 120_000 } },
  },
  {
    what: 'what was on another segment',
    given: {
      restored: [{ segment: '198.51.100.0/24', epoch: 6, sinceMs: WALL }],
      lameDucks: [{ segment: '198.51.100.0/24', to: 'node-b', untilMs: WALL }],
    },
    wanted: {},
  },
])('the mesh is told of $what', ({ given, wanted }) => {
  expect(desiredOf({ ...planned, ...given }, [SEGMENT, '2001:db8::/64'], NOW, WALL)).toStrictEqual({ ...plain, ...wanted });
});
