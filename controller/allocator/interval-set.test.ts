import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IntervalSet } from './interval-set.ts';

test('behaves as a set of numbers, with the first gap found by counting', () => {
  const step = fc.record({ add: fc.boolean(), x: fc.bigInt({ min: 0n, max: 40n }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), steps => {
      const set = new IntervalSet();
      const model = new Set<bigint>();
      for (const { add, x } of steps) {
        if (add) {
          set.add(x);
          model.add(x);
        } else {
          set.delete(x);
          model.delete(x);
        }
        for (let from = 0n; from <= 41n; from++) {
          expect(set.has(from)).toBe(model.has(from));
          let gap = from;
          while (model.has(gap)) gap++;
          expect(set.firstGap(from)).toBe(gap);
        }
        const runs = set.runs();
        for (const [i, [start, end]] of runs.entries()) {
          expect(start <= end).toBe(true);
          expect(i === 0 || start > (runs[i - 1] as [bigint, bigint])[1] + 1n).toBe(true);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('a hundred thousand scattered members stay shallow enough not to exhaust the stack', () => {
  const set = new IntervalSet();
  for (let i = 0n; i < 100_000n; i++) set.add(i * 2n);
  expect(set.runs()).toHaveLength(100_000);
  expect(set.firstGap(0n)).toBe(1n);
  for (let i = 0n; i < 100_000n; i++) set.add(i * 2n + 1n);
  expect(set.runs()).toEqual([[0n, 199_999n]]);
});
