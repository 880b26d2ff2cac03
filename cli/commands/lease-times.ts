export interface LeaseTimes {
  leaseDurationMs: number;
  renewDeadlineMs: number;
  retryPeriodMs: number;
}

/** Between renewals, and how long they may fail (ms), where the lease lasts 15 s or longer. */
const DEADLINE = 10_000;
const RETRY = 2_000;

/** The times of a lease: those that are not given are shorter than usual where the lease is, because each must be less than the next. */
export function leaseTimes(
  leaseDurationMs: number,
  renewDeadlineMs = Math.min(DEADLINE, (leaseDurationMs * 2) / 3),
  retryPeriodMs = Math.min(RETRY, renewDeadlineMs / 5),
): LeaseTimes {
  return { leaseDurationMs, renewDeadlineMs, retryPeriodMs };
}
