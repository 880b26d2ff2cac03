import type { Clock } from '@herald/kube';

/** The second time in a row that something is put back waits so long; each further time doubles it (ms). */
const FIRST = 1_000;
const LONGEST = 60_000;

/**
 * Keeps two writers that undo each other's writes (another load balancer that serves the same Services, a second installation) from doing
 * so as fast as the API server can: what somebody else changed is put back at once, and then less and less often.
 */
export class Contest {
  readonly #clock: Clock;
  /** When something was last put back, and how long after that it is not put back again (ms). */
  readonly #last = new Map<string, { at: number; delay: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** In how many milliseconds it may be put back; 0: now. */
  left(key: string): number {
    const last = this.#last.get(key);
    return last === undefined ? 0 : Math.max(0, last.at + last.delay - this.#clock.now());
  }

  /** It was put back. */
  putBack(key: string): void {
    const last = this.#last.get(key);
    const at = this.#clock.now();
    const isOngoing = last !== undefined && at - last.at < last.delay + LONGEST;
    this.#last.set(key, { at, delay: isOngoing ? Math.min(2 * last.delay, LONGEST) : FIRST });
  }

  forget(key: string): void {
    this.#last.delete(key);
  }
}
