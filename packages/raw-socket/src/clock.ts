import { hrtime } from 'node:process';
import { clockGettime } from './libc.ts';

/** Milliseconds (with fractions) of CLOCK_MONOTONIC: the same clock in every thread and process of the machine, and in eBPF. */
export function now(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** The same clock in nanoseconds, exactly. */
export const nowNs = (): bigint => hrtime.bigint();

const CLOCK_REALTIME = 0;
const timespec = Buffer.alloc(16);

/** Wall-clock time in nanoseconds since 1970: the clock of the kernel's packet timestamps, to compare with them. */
export function realtimeNs(): bigint {
  clockGettime(CLOCK_REALTIME, timespec);
  return timespec.readBigInt64LE(0) * 1_000_000_000n + timespec.readBigInt64LE(8);
}
