import fc from 'fast-check';
import { expect, it } from 'vitest';
import { accept, replayWindow } from './replay.ts';

it.each<[string, number[], boolean[]]>([
  ['in order', [1, 2, 3], [true, true, true]],
  ['twice', [5, 5], [true, false]],
  ['out of order, each once', [5, 3, 4, 3], [true, true, true, false]],
  ['just within the window', [100, 37, 36], [true, true, false]],
  ['a jump beyond the window forgets nothing it should know', [1, 1_000, 999, 1_000, 1], [true, true, true, false, false]],
  ['a jump of exactly the window', [0, 64, 0, 1], [true, true, false, true]],
  ['what is no sequence number', [-1, 0.5, Number.NaN, 2 ** 53], [false, false, false, false]],
])('%s', (_, sequence, expected) => {
  const window = replayWindow();
  expect(sequence.map(seq => accept(window, seq))).toEqual(expected);
});

it('accepts exactly what was not seen and is less than 64 behind', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 80 }), sequence => {
      const window = replayWindow();
      const seen = new Set<number>();
      for (const seq of sequence) {
        const highest = Math.max(-1, ...seen);
        expect(accept(window, seq)).toBe(!seen.has(seq) && highest - seq < 64);
        seen.add(seq);
      }
    }),
  );
});
