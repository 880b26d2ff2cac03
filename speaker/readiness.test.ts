import { expect, it } from 'vitest';
import type { BGPSession } from './bgp/bgp.ts';
import { segmentsProblem, sessionsProblem } from './readiness.ts';
import type { SegmentReport } from './wire/messages.ts';
import { segmentReport } from './wire/testing.ts';

const segment = (more: Partial<SegmentReport> = {}): SegmentReport =>
  segmentReport({ segment: '10.0.0.0/24', addresses: ['10.0.0.1/24'], ...more });
const down = segment({ interface: 'eth1', fit: false, unfitReason: 'the link is down' });

it.each<[string, SegmentReport[], boolean, string | undefined]>([
  ['there is no interface', [], false, 'no interface can be used'],
  ['no interface is fit', [down], true, 'no interface can be used (eth1: the link is down)'],
  ['it still listens and heard nobody', [segment({ listening: true })], false, 'listening for other speakers'],
  ['it still listens and there is no other node', [segment({ listening: true })], true, undefined],
  ['it still listens and heard a peer', [segment({ listening: true, peersHeard: ['n2'] })], false, undefined],
  ['it has listened and heard nobody', [segment()], false, undefined],
  ['it has listened on one interface of two', [segment({ listening: true }), segment({ interface: 'eth1' })], false, undefined],
  ['the interface that is fit still listens', [segment({ listening: true }), down], false, 'listening for other speakers'],
])('where %s', (_, segments, alone, problem) => {
  expect(segmentsProblem(segments, alone)).toBe(problem);
});

const session = (peer: string, state?: string): BGPSession =>
  ({ peer, status: state === undefined ? undefined : { state }, problems: [] }) as unknown as BGPSession;

it.each<[string, BGPSession[], number | undefined, string | undefined]>([
  ['nothing is configured yet', [], undefined, 'waiting for the BGP configuration'],
  ['no peer selects the node', [], 0, undefined],
  ['a session is being opened', [session('a', 'Established'), session('b', 'OpenSent')], 4_900, 'waiting for the BGP sessions with b'],
  ['every session is open', [session('a', 'Established'), session('b', 'Established')], 100, undefined],
  ['a peer is down', [session('a', 'Active')], 5_000, undefined],
  ['a peer is lost long after the start', [session('a', 'Idle')], 3_600_000, undefined],
  ['a peer waits for its Secret', [session('a')], 100, undefined],
])('of BGP, where %s', (_, sessions, sinceConfigured, problem) => {
  expect(sessionsProblem(sessions, sinceConfigured)).toBe(problem);
});
