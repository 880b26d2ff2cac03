import { EventEmitter } from 'node:events';
import { createLogger } from '@herald/process';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { speakerGrace } from './commands/speaker.ts';
import { runProcess } from './run-process.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A process that does not end, and a part of it that takes `takes` ms to do so. */
async function stopped(graceMs: number | undefined, takes: number): Promise<{ exits: (number | undefined)[]; exitCode: unknown }> {
  const exits: (number | undefined)[] = [];
  const target = Object.assign(new EventEmitter(), { exit: (code?: number) => exits.push(code), exitCode: undefined });
  const part = (signal: AbortSignal): Promise<void> =>
    new Promise(resolve => signal.addEventListener('abort', () => setTimeout(resolve, takes)));
  const running = runProcess(createLogger({ component: 'test', level: 'silent' }), part, {
    ...(graceMs !== undefined && { graceMs }),
    target: target as unknown as NodeJS.Process,
  });
  target.emit('SIGTERM', 'SIGTERM');
  await vi.advanceTimersByTimeAsync(takes);
  await running;
  return { exits, exitCode: target.exitCode };
}

it.each<[string, number | undefined, number, number[]]>([
  ['what ends in time ends by itself', undefined, 24_000, []],
  ['what does not is ended', undefined, 26_000, [1]],
  ['a longer grace is given', 98_000, 97_000, []],
  ['and ends, too', 98_000, 99_000, [1]],
])('%s', async (_, graceMs, takes, exits) => {
  expect(await stopped(graceMs, takes)).toEqual({ exits, exitCode: 0 });
});

it('what was left open does not keep the process', async () => {
  const { exits } = await stopped(undefined, 1_000);
  expect(exits).toEqual([]);
  // The timer keeps nobody either: it only fires where something else does.
  await vi.advanceTimersByTimeAsync(3_000);
  expect(exits).toEqual([undefined]);
});

it.each<[string, number, number, number]>([
  ['the defaults stay below the 30 s of the pod', 20_000, 2_000, 28_000],
  ['the deadline of layer 2 is the longer one', 90_000, 2_000, 98_000],
  ['the routes of BGP stay longer', 5_000, 60_000, 68_000],
])('the grace of the speaker: %s', (_, leaveDeadline, bgpDrainTime, grace) => {
  expect(speakerGrace({ leaveDeadline, bgpDrainTime })).toBe(grace);
});
