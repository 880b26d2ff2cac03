import { ManualClock } from '@herald/kube/testing';
import { createLogger } from '@herald/process';
import { describe, expect, it } from 'vitest';
import { LameDucks } from './lame-ducks.ts';

const IP = '192.0.2.1';

function setUp(clock: ManualClock): { ducks: LameDucks; looks: () => number } {
  let looks = 0;
  const ducks = new LameDucks({
    clock,
    logger: createLogger({ component: 'test', level: 'silent' }),
    table: {
      flows: () => {
        looks += 1;
        return [];
      },
      size: () => 9,
    },
    onCounts: () => undefined,
  });
  return { ducks, looks: () => looks };
}

describe('moves away from this node', () => {
  it('are counted while there are any, and no longer', async () => {
    const clock = new ManualClock();
    const { ducks, looks } = setUp(clock);
    ducks.begin({ ip: IP, segment: 'a', to: 'b', since: clock.wall(), until: clock.wall() + 60_000 });
    await clock.advance(10_300);
    expect(looks()).toBe(11);
    ducks.end(IP, 'a');
    await clock.advance(10_000);
    expect([looks(), clock.pending, ducks.all]).toEqual([11, 0, []]);
  });

  it('are none any more some time after they should have ended, though nobody says so', async () => {
    const clock = new ManualClock();
    const { ducks, looks } = setUp(clock);
    ducks.begin({ ip: IP, segment: 'a', to: 'b', since: clock.wall(), until: clock.wall() + 3_000 });
    await clock.advance(7_900);
    expect([ducks.all.length, ducks.byAddress().size, ducks.flowsOf(IP)]).toEqual([1, 1, 0]);
    await clock.advance(1_000);
    const until = looks();
    await clock.advance(10_000);
    expect([ducks.all, ducks.byAddress().size, ducks.flows, looks() - until, clock.pending]).toEqual([[], 0, undefined, 0, 0]);
  });
});
