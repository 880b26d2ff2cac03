import { i32 } from './descriptor.ts';
import { EPERM, errnoName } from './errno.ts';
import * as libc from './libc.ts';

const SCHED_RR = 2;
const SCHED_RESET_ON_FORK = 0x4000_0000;

/**
 * Moves the calling thread into SCHED_RR (sched(7)), so that a machine full of other work does not make it late. Threads and processes
 * that it starts do not inherit it. Needs CAP_SYS_NICE (or RLIMIT_RTPRIO); without it nothing changes and the reason is returned.
 * @param priority 1 to 99
 */
export function setRealtime(priority = 10): { granted: true } | { granted: false; because: string } {
  const result = libc.schedSetscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, i32(priority));
  if (result === 0) return { granted: true };
  const because =
    result === -EPERM ? 'EPERM: needs CAP_SYS_NICE, and on some systems a real-time budget of its cgroup' : errnoName(-result);
  return { granted: false, because };
}
