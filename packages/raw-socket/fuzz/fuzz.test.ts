import { expect, test } from 'vitest';
import { fuzz, readCorpus } from './fuzz.ts';

test('mutated messages of a kernel are read or refused, and nothing else', () => {
  const { parsed, refused } = fuzz(20_000, 7);
  expect(parsed + refused).toBe(20_000);
  // Both ways are well trodden.
  expect(Math.min(parsed, refused)).toBeGreaterThan(2000);
});

test('the corpus holds every kind of message', () => {
  expect(new Set(readCorpus().map(({ kind }) => kind))).toEqual(new Set(['link', 'address', 'route', 'neighbour', 'flow']));
});
