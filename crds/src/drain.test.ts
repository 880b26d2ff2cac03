import { expect, it } from 'vitest';
import { drainAnnotation, drainOf } from './drain.ts';

it.each<[string, string | undefined, ReturnType<typeof drainOf>]>([
  ['absent', undefined, undefined],
  ['taken back', 'false', undefined],
  ['taken back, with blanks', ' false ', undefined],
  ['at once', '0', { within: 0 }],
  ['seconds', '90', { within: 90_000 }],
  ['seconds with blanks', ' 90 ', { within: 90_000 }],
  ['a duration', '2m30s', { within: 150_000 }],
  ['more than a day in seconds', '100000', { within: 86_400_000 }],
  ['more than a day in hours', '900h', { within: 86_400_000 }],
  ['more digits than a number has', '9'.repeat(400), { within: 86_400_000 }],
  ['the word kubectl users write', 'true', { within: undefined }],
  ['nothing', '', { within: undefined }],
  ['a negative number', '-5', { within: undefined }],
  ['a reason', 'maintenance', { within: undefined }],
])('%s', (_, value, drain) => {
  expect(drainOf(value === undefined ? {} : { [drainAnnotation]: value })).toEqual(drain);
});

it('no annotations at all', () => {
  expect(drainOf(undefined)).toBeUndefined();
});
