import { hrtime } from 'node:process';

/** Milliseconds (with fractions) of CLOCK_MONOTONIC: the same clock in every thread and process of the machine, and in eBPF. */
export function now(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** The same clock in nanoseconds, exactly. */
export const nowNs = (): bigint => hrtime.bigint();
