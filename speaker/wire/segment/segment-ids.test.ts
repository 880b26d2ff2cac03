import { describe, expect, it } from 'vitest';
import { segmentIdOf } from '../../mesh/authentication.ts';
import { SegmentIds } from './segment-ids.ts';

const [X, Y, Z] = ['192.0.2.0/24', '2001:db8::/64', '2001:db8:1::/64'] as const;

function ids(name: string, ...subnets: string[]): SegmentIds {
  const made = new SegmentIds();
  made.setSubnets(name, subnets);
  return made;
}

/** Sends what each side sends to the other as long as it does not know it, and then what it answers; whether the answers arrive. */
function meet(a: SegmentIds, b: SegmentIds): { a: boolean; b: boolean } {
  for (const id of a.for('group')) if (b.accepted.includes(id)) b.heard('a', id);
  for (const id of b.for('group')) if (a.accepted.includes(id)) a.heard('b', id);
  return { a: b.for({ address: 'a' }).some(id => a.accepted.includes(id)), b: a.for({ address: 'b' }).some(id => b.accepted.includes(id)) };
}

describe('the segments that packets say they belong to', () => {
  it.each([
    ['the same subnets', ids(X, X, Y), ids(X, X, Y), true],
    ['one has lost its first', ids(X, X, Y), ids(Y, Y), true],
    ['only the second is common', ids(X, X, Y), ids(Z, Z, Y), true],
    ['no subnet, the same name', ids('eth0'), ids('eth0'), true],
    ['none in common', ids(X, X), ids(Y, Y), false],
  ])('%s: the nodes hear each other, both or neither', (_, a, b, expected) => {
    expect(meet(a, b)).toEqual({ a: expected, b: expected });
  });

  it('answers a peer with the one that it used last, and others with all', () => {
    const own = ids(X, X, Y);
    expect(own.for({ address: 'peer' })).toEqual([X, Y].map(segmentIdOf));
    own.heard('peer', segmentIdOf(Y));
    own.heard('peer', segmentIdOf(X));
    own.heard('peer', segmentIdOf(Y));
    expect(own.for({ address: 'peer' })).toEqual([segmentIdOf(Y)]);
    expect(own.for('group')).toEqual([X, Y].map(segmentIdOf));
  });

  it('forgets what this node has no more, and tells of eight subnets at most', () => {
    const own = ids(X, X, Y);
    own.heard('peer', segmentIdOf(Y));
    own.setSubnets(X, [X]);
    expect(own.for({ address: 'peer' })).toEqual([segmentIdOf(X)]);
    const many = ids(X, ...Array.from({ length: 20 }, (_, index) => `10.${index}.0.0/16`));
    expect(many.for('group')).toHaveLength(8);
    expect(many.accepted).toHaveLength(21);
  });
});
