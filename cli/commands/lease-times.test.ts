import { describe, expect, it } from 'vitest';
import { leaseTimes } from './lease-times.ts';

describe('leaseTimes', () => {
  it.each<{ what: string; given: Parameters<typeof leaseTimes>; deadline: number; retry: number }>([
    { what: 'the usual lease', given: [15_000], deadline: 10_000, retry: 2_000 },
    { what: 'a longer one', given: [60_000], deadline: 10_000, retry: 2_000 },
    { what: 'one as long as the usual deadline', given: [9_000], deadline: 6_000, retry: 1_200 },
    { what: 'a deadline of its own', given: [15_000, 5_000], deadline: 5_000, retry: 1_000 },
    { what: 'all given', given: [15_000, 12_000, 3_000], deadline: 12_000, retry: 3_000 },
  ])('$what', ({ given, deadline, retry }) => {
    expect(leaseTimes(...given)).toEqual({ leaseDurationMs: given[0], renewDeadlineMs: deadline, retryPeriodMs: retry });
  });
});
