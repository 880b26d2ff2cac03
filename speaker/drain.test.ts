import { expect, it } from 'vitest';
import { drainTime } from './drain.ts';

it.each<[string, string | undefined, number | undefined]>([
  ['absent', undefined, undefined],
  ['taken back', 'false', undefined],
  ['seconds', '90', 90_000],
  ['at once', '0', 0],
  ['a duration', '2m30s', 150_000],
  ['the word kubectl users write', 'true', 5_000],
  ['nothing', '', 5_000],
  ['a date', '2026-01-01T00:00:00Z', 5_000],
  ['longer than a day', '999999999', 86_400_000],
])('%s', (_, annotation, ms) => {
  expect(drainTime(annotation, 5_000)).toBe(ms);
});
