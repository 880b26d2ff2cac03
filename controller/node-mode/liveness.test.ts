import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { speaker } from './fixtures.ts';
import { affirmedNodes, deadNodes } from './liveness.ts';

describe('who is dead, as the speakers tell', () => {
  it.each([
    {
      desc: 'nobody, where all hear each other',
      speakers: [speaker('a', 1, ['b', 'c']), speaker('b', 2, ['a', 'c']), speaker('c', 3, ['a', 'b'])],
      dead: [],
    },
    {
      desc: 'a node that the others no longer hear while its own last word is that it hears them',
      speakers: [speaker('a', 1, ['b', 'c']), speaker('b', 12, ['c']), speaker('c', 13, ['b'])],
      dead: ['a'],
    },
    {
      desc: 'two nodes at once, by the word of the only one left, although each of them still vouches for the other',
      speakers: [speaker('a', 1, ['b', 'c']), speaker('b', 2, ['a', 'c']), speaker('c', 13, [])],
      dead: ['a', 'b'],
    },
    {
      desc: 'the other node of two',
      speakers: [speaker('a', 1, ['b']), speaker('b', 12, [])],
      dead: ['a'],
    },
    {
      desc: 'not a node whose speaker restarts: its kernel answers',
      speakers: [speaker('a', 1, ['b', 'c']), speaker('b', 12, ['c'], ['a']), speaker('c', 13, ['b'], ['a'])],
      dead: [],
    },
    {
      desc: 'nobody in a network cut in two: those on either side know',
      speakers: [speaker('a', 11, ['b']), speaker('b', 12, ['a']), speaker('c', 13, [])],
      dead: [],
    },
    {
      desc: 'not a node that one other does not hear, and a third still does',
      speakers: [speaker('a', 1, ['b', 'c']), speaker('b', 12, ['c']), speaker('c', 3, ['a', 'b'])],
      dead: [],
    },
    {
      desc: 'not a node whose word is newer: it has just come back',
      speakers: [speaker('a', 20, ['b']), speaker('b', 12, [])],
      dead: [],
    },
    {
      desc: 'a node that died before the witness did',
      speakers: [speaker('a', 1, ['b', 'c']), speaker('b', 12, ['c']), speaker('c', 20, [])],
      dead: ['a', 'b'],
    },
    {
      desc: 'nobody across segments that do not meet',
      speakers: [speaker('a', 1, [], [], 'lan-1'), speaker('b', 12, [], [], 'lan-2')],
      dead: [],
    },
    {
      desc: 'nobody, where speakers have not said anything',
      speakers: [{ ...speaker('a', 1, []), status: {} }, speaker('b', 12, [])],
      dead: [],
    },
  ])('$desc', ({ speakers, dead }) => {
    expect([...deadNodes(speakers)].sort()).toEqual(dead);
  });

  it('finds exactly the dead, whoever dies in whatever order, as long as one survives', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    fc.assert(
      fc.property(fc.shuffledSubarray(names, { maxLength: 4 }), order => {
        // Each death makes all that live write who is left.
        const words = new Map(
          names.map((name, index) => [
            name,
            speaker(
              name,
              index + 1,
              names.filter(each => each !== name),
            ),
          ]),
        );
        const alive = new Set(names);
        let version = 10;
        for (const victim of order) {
          alive.delete(victim);
          for (const name of alive)
            words.set(
              name,
              speaker(
                name,
                ++version,
                [...alive].filter(each => each !== name),
              ),
            );
        }
        const dead = deadNodes([...words.values()]);
        expect([...dead].sort()).toEqual([...order].sort());
        const affirmed = affirmedNodes([...words.values()], dead);
        expect([...affirmed].filter(name => dead.has(name))).toEqual([]);
      }),
    );
  });
});
