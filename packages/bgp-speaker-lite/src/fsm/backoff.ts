/** How the machine waits before the next attempt, as data. Milliseconds. */
export interface Backoff {
  /** Attempts in a row that failed for reasons of the network or by a Cease. */
  readonly connectFailures: number;
  /** Sessions in a row that ended by a protocol error: DampPeerOscillations of RFC 4271 §8.1.1. */
  readonly protocolErrors: number;
  readonly lastProtocolError: number;
}

export const NO_BACKOFF: Backoff = { connectFailures: 0, protocolErrors: 0, lastProtocolError: Number.NEGATIVE_INFINITY };

const FIRST_RETRY = 1000;
const FIRST_IDLE_HOLD = 5000;
const LONGEST_IDLE_HOLD = 60_000;
const FORGET_AFTER = 300_000;

/** RFC 4271 §10: timers are jittered by a factor from 0.75 to 1. `random` is in [0, 1). */
export function jitter(value: number, random: number): number {
  return value * (0.75 + 0.25 * random);
}

/** Time before the next dial, and the backoff to keep: 1 s, doubling up to the configured ConnectRetryTime. */
export function connectDelay(backoff: Backoff, connectRetryTime: number, random: number): { delay: number; backoff: Backoff } {
  const nominal = Math.min(connectRetryTime, FIRST_RETRY * 2 ** Math.min(backoff.connectFailures, 16));
  return { delay: jitter(nominal, random), backoff: { ...backoff, connectFailures: backoff.connectFailures + 1 } };
}

/** IdleHoldTime after a protocol error: 5 s, doubling up to 60 s, forgotten after 5 minutes without one. */
export function idleHold(backoff: Backoff, now: number, random: number): { delay: number; backoff: Backoff } {
  const errors = now - backoff.lastProtocolError > FORGET_AFTER ? 0 : backoff.protocolErrors;
  const nominal = Math.min(LONGEST_IDLE_HOLD, FIRST_IDLE_HOLD * 2 ** Math.min(errors, 8));
  return { delay: jitter(nominal, random), backoff: { ...backoff, protocolErrors: errors + 1, lastProtocolError: now } };
}
