/** A pending timer, opaque to its owner. */
export interface Timer {
  cancel(): void;
}

/** Time as a dependency: real in a process, by hand in a test. */
export interface Clock {
  /** Monotonic milliseconds: for durations and deadlines. */
  now(): number;
  /** Wall clock, milliseconds since the epoch: for timestamps written into objects. */
  wall(): number;
  after(ms: number, fn: () => void): Timer;
}

/** A number in [0, 1). */
export type Random = () => number;

/** The process's own clock. The only place of this package that reads it. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, fn) {
    const handle = setTimeout(fn, Math.min(Math.max(0, ms), 0x7fff_ffff));
    return { cancel: () => clearTimeout(handle) };
  },
};

/** The process's own randomness; good enough for jitter, not for secrets. */
export const systemRandom: Random = () => Math.random();

/** Resolves after `ms`, or at once when `signal` aborts (callers look at the signal themselves). */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise(resolve => {
    const done = () => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** RFC 3339 with six fractional digits: the `MicroTime` of Leases and Events. */
export function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z');
}

/** RFC 3339 in whole seconds: the `Time` of conditions and metadata. */
export function time(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
