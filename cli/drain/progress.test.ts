import type { Announcement } from '@herald/crds';
import { describe, expect, it } from 'vitest';
import { announcement, owner, speaker, view } from './fixtures.ts';
import { barLine, stateLines } from './lines.ts';
import type { Move } from './moves.ts';
import { progress } from './progress.ts';
import { screenFor } from './screen.ts';

const A = '192.0.2.10';
const B = '192.0.2.11';
const since = '2026-11-21T10:00:00Z';
const move = (ip: string): Move => ({ ip, segment: '192.0.2.0/24', protocol: 'layer2', services: ['shop/web'], from: 'n1', to: 'n2' });
const of = (...owners: Parameters<typeof announcement>[2] & object): Announcement =>
  announcement(
    'web',
    [
      { ip: A, nodes: ['n2', 'n3'] },
      { ip: B, nodes: ['n2'] },
    ],
    owners,
  );

describe('how far a move is', () => {
  it.each<[string, Announcement[], string]>([
    ['the old node still answers', [of(owner(A, 'n1'))], `${A}  layer2  n1 → n2  waiting`],
    ['nobody is on record for a moment', [of()], `${A}  layer2  n1 → n2  waiting`],
    [
      'the old node forwards for those it has',
      [of(owner(A, 'n2', { node: 'n1', since, flows: 2 }))],
      `${A}  layer2  n1 → n2  draining, 2 flows left`,
    ],
    ['it forwards for one', [of(owner(A, 'n2', { node: 'n1', since, flows: 1 }))], `${A}  layer2  n1 → n2  draining, 1 flow left`],
    ['flows are not counted', [of(owner(A, 'n2', { node: 'n1', since }))], `${A}  layer2  n1 → n2  draining`],
    [
      'another move is under way, with which this node has nothing to do',
      [of(owner(A, 'n3', { node: 'n2', since }))],
      `${A}  layer2  n1 → n3  moved`,
    ],
    ['over, and another node than the first has taken it', [of(owner(A, 'n3'))], `${A}  layer2  n1 → n3  moved`],
    ['the Service is gone', [], `${A}  layer2  n1 → n2  not announced any more`],
  ])('%s', (_, announcements, line) => {
    expect(stateLines(progress([move(A)], view(announcements)))).toEqual([line]);
  });

  it.each([
    ['routes are left', 2, 'n1 → other nodes  waiting'],
    ['all are withdrawn', 0, 'n1 → other nodes  moved'],
  ])('by BGP: %s', (_, routes, text) => {
    const cluster = view([announcement('web', [{ ip: A, bgp: null }])], { speakers: [speaker('n1', [], routes)] });
    const states = progress([{ ...move(A), protocol: 'bgp', segment: undefined, to: 'other nodes' }], cluster);
    expect(stateLines(states)).toEqual([`${A}  bgp  ${text}`]);
  });
});

const begun = progress([move(A), move(B)], view([of(owner(A, 'n1'), owner(B, 'n1'))]));
const half = progress([move(A), move(B)], view([of(owner(A, 'n2'), owner(B, 'n2', { node: 'n1', since, flows: 17 }))]));
const fewer = progress([move(A), move(B)], view([of(owner(A, 'n2'), owner(B, 'n2', { node: 'n1', since, flows: 3 }))]));
const over = progress([move(A), move(B)], view([of(owner(A, 'n2'), owner(B, 'n2'))]));

it.each([
  ['at the start', begun, '[------------------------] 0 of 2 addresses moved, 0 s'],
  ['in the middle', half, '[############------------] 1 of 2 addresses moved, 1 draining with 17 flows left, 8 s'],
  ['at the end', over, '[########################] 2 of 2 addresses moved, 61 s'],
])('the bar %s', (_, states, line) => {
  expect(barLine(states, Number(/(\d+) s$/.exec(line)?.[1]) * 1000 + 400)).toBe(line);
});

function shown(change: { isTTY?: boolean; rows?: number }): string[] {
  const written: string[] = [];
  const screen = screenFor({ write: text => written.push(text), ...change });
  for (const [index, states] of [begun, half, fewer, over].entries()) screen.show(states, index * 1000);
  screen.end();
  return written;
}

describe('where it is shown', () => {
  it('a log gets a line for each change of an address', () => {
    expect(shown({})).toEqual([
      `${A}  layer2  n1 → n2  moved\n`,
      `${B}  layer2  n1 → n2  draining, 17 flows left\n`,
      `${B}  layer2  n1 → n2  moved\n`,
    ]);
  });

  it('a terminal gets a block that is drawn over itself', () => {
    const blocks = shown({ isTTY: true, rows: 24 });
    expect(blocks).toHaveLength(4);
    expect(blocks[0]).not.toContain('\u001b[3A');
    for (const block of blocks.slice(1)) expect(block.startsWith('\u001b[3A')).toBe(true);
    expect(blocks[1]).toContain('17 flows left');
  });

  it('a small terminal gets what is under way first', () => {
    const blocks = shown({ isTTY: true, rows: 5 });
    expect(blocks[1]).toContain(`${B}  layer2  n1 → n2  draining`);
    const tiny = shown({ isTTY: true, rows: 1 });
    expect(tiny[1]).toContain('… and 2 more');
  });
});
