/** Time as this package uses it; a test may pass its own. */
export interface Clock {
  /** Milliseconds that never go back. */
  now(): number;
  /** Milliseconds since 1970, for people. */
  wall(): number;
  /** Calls back once at `at` (of `now()`), or later; never earlier. Returns a function that cancels. */
  at(at: number, callback: () => void): () => void;
}

/** Longest delay that setTimeout takes. */
const MAX_DELAY = 2 ** 31 - 1;

/** The machine's clock. A timer that is due lets the sockets be read first: after a stall, what the peer has sent in time still counts. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  at(at, callback) {
    let cancelled = false;
    const delay = Math.min(MAX_DELAY, Math.max(0, Math.ceil(at - performance.now())));
    const timer = setTimeout(() => {
      // Timers run before poll, immediates after it.
      setImmediate(() => {
        if (!cancelled) callback();
      });
    }, delay);
    return () => {
      cancelled = true;
      clearTimeout(timer);
    };
  },
};
