import { expect, it } from 'vitest';
import { KEEP_OLD, KeyRotation } from './key-rotation.ts';

const key = (name: string): Uint8Array => Buffer.from(name);
const MINUTE = 60_000;

/** What is listed when, and the keys in force at the end. */
it.each<[string, [minute: number, ...listed: string[]][], minute: number, string[]]>([
  ['nothing changed', [], 5, ['a']],
  ['a new key: the old one stays', [[1, 'b']], 5, ['b', 'a']],
  ['and goes ten minutes later', [[1, 'b']], 11, ['b']],
  [
    'the same again, as of a label or a new list: the old one stays',
    [
      [1, 'b'],
      [2, 'b'],
      [3, 'b'],
    ],
    5,
    ['b', 'a'],
  ],
  [
    'and goes at its time',
    [
      [1, 'b'],
      [9, 'b'],
    ],
    11,
    ['b'],
  ],
  ['the old one is listed as the previous one', [[1, 'b', 'a']], 30, ['b', 'a']],
  [
    'the previous one goes from the list: nobody uses it',
    [
      [1, 'b', 'a'],
      [20, 'b'],
    ],
    20,
    ['b'],
  ],
  [
    'two new keys one after the other: the last replaced one stays',
    [
      [1, 'b'],
      [2, 'c'],
    ],
    5,
    ['c', 'b'],
  ],
  ['what is listed beside the new key is in force, too', [[1, 'c', 'b']], 5, ['c', 'b', 'a']],
  [
    'back to the old key',
    [
      [1, 'b'],
      [2, 'a'],
    ],
    5,
    ['a', 'b'],
  ],
  [
    'back and forth',
    [
      [1, 'b'],
      [2, 'a'],
      [3, 'b'],
    ],
    12,
    ['b', 'a'],
  ],
])('%s', (_, lists, minute, inForce) => {
  const rotation = new KeyRotation([key('a')]);
  for (const [at, ...listed] of lists) rotation.list(listed.map(key), at * MINUTE);
  expect(rotation.at(minute * MINUTE).map(each => Buffer.from(each).toString())).toEqual(inForce);
});

it('says until when', () => {
  const rotation = new KeyRotation([key('a')]);
  expect(rotation.until).toBeUndefined();
  rotation.list([key('b')], 1_000);
  expect(rotation.until).toBe(1_000 + KEEP_OLD);
});
