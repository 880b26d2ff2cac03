import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MinHeap } from './min-heap.ts';

describe('MinHeap', () => {
  test('gives its items in order, whatever the order they came in', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), items => {
        const heap = new MinHeap<number>((a, b) => a < b);
        for (const item of items) heap.push(item);
        const out: number[] = [];
        while (heap.size > 0) out.push(heap.pop() as number);
        expect(out).toEqual(items.toSorted((a, b) => a - b));
      }),
    );
  });

  test('filter keeps the order of the rest', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), items => {
        const heap = new MinHeap<number>((a, b) => a < b);
        for (const item of items) heap.push(item);
        heap.filter(item => item % 2 === 0);
        const out: number[] = [];
        while (heap.size > 0) {
          const first = heap.peek();
          out.push(heap.pop() as number);
          expect(out.at(-1)).toBe(first);
        }
        expect(out).toEqual(items.filter(item => item % 2 === 0).sort((a, b) => a - b));
      }),
    );
  });

  test('an empty heap has nothing', () => {
    const heap = new MinHeap<number>((a, b) => a < b);
    expect([heap.peek(), heap.pop(), heap.size]).toEqual([undefined, undefined, 0]);
  });
});
