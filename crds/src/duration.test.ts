import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

describe('durations', () => {
  it.each<[string, number | null]>([
    ['0', 0],
    ['0s', 0],
    ['300ms', 300],
    ['90s', 90_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['1h15m30.5s', 4_530_500],
    ['500us', 0.5],
    ['', null],
    ['5', null],
    ['-5s', null],
    ['5 minutes', null],
    ['5d', null],
    ['1s'.repeat(40), null],
  ])('%j is %j ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.nat(), ms => {
        expect(parseDuration(formatDuration(ms))).toBeCloseTo(ms, 3);
      }),
    );
  });
});
