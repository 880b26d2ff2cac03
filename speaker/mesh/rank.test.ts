import fc from 'fast-check';
import { expect, it } from 'vitest';
import { outbids } from './rank.ts';

const claim = fc.record({ vip: fc.constant('192.0.2.1'), epoch: fc.integer({ min: 1, max: 3 }), rank: fc.integer({ min: 0, max: 2 }) });
const node = fc.integer({ min: 0, max: 50 }).map(index => `node${index}`);

it('of two claims of different nodes exactly one wins, whoever compares', () => {
  fc.assert(
    fc.property(claim, node, claim, node, (a, nodeA, b, nodeB) => {
      fc.pre(nodeA !== nodeB);
      expect(outbids(a, nodeA, b, nodeB)).toBe(!outbids(b, nodeB, a, nodeA));
    }),
    { seed: 1 },
  );
});

it.each([
  ['the higher epoch wins over the better rank', { epoch: 2, rank: 9 }, { epoch: 1, rank: 0 }],
  ['the better rank wins at equal epochs', { epoch: 2, rank: 0 }, { epoch: 2, rank: 1 }],
])('%s', (_, winner, loser) => {
  expect(outbids({ vip: '192.0.2.1', ...winner }, 'a', { vip: '192.0.2.1', ...loser }, 'b')).toBe(true);
});
