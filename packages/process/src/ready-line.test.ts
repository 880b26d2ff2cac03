import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Logger } from './logger.ts';
import { logWhenReady } from './ready-line.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const logger = () => {
  const lines: string[] = [];
  return { lines, logger: { info: (line: string) => lines.push(line) } as unknown as Logger };
};

it('says ready once, the first time that nothing is missing', () => {
  const { lines, logger: log } = logger();
  let missing: string | null = 'caches';
  logWhenReady(log, () => missing, new AbortController().signal);
  vi.advanceTimersByTime(500);
  expect(lines).toEqual([]);
  missing = null;
  vi.advanceTimersByTime(500);
  missing = 'again';
  vi.advanceTimersByTime(100);
  missing = null;
  vi.advanceTimersByTime(500);
  expect(lines).toEqual(['ready']);
  expect(vi.getTimerCount()).toBe(0);
});

it('gives up when the process ends, and does not start where it has ended', () => {
  const { lines, logger: log } = logger();
  const end = new AbortController();
  logWhenReady(log, () => 'caches', end.signal);
  end.abort();
  logWhenReady(log, () => null, end.signal);
  vi.advanceTimersByTime(500);
  expect(lines).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
