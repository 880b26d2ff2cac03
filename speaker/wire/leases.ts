import type { KernelResponder } from 'raw-socket';

/** What is not held is answered for so long after the last sign of life of this thread (ms). */
const SHORT = 500;
const NS_PER_MS = 1_000_000n;

/**
 * How long the kernel goes on answering when nobody renews: for an address that is held, as long as the others hold it, where the
 * program is pinned. One lease for each hold time, as far as they go.
 */
export class Leases {
  readonly #responder: KernelResponder;
  readonly #token: bigint;
  readonly #now: () => bigint;
  /** Hold times (ms) by number of the lease; the first is the short one. */
  readonly #holds: number[] = [0];
  #isLeaving = false;

  /**
   * @param token names this process among those that may share what is pinned
   * @param now the clock of leases, in nanoseconds
   */
  constructor(responder: KernelResponder, token: bigint, now: () => bigint) {
    this.#now = now;
    this.#responder = responder;
    this.#token = token;
    responder.holder = token;
  }

  /** No other process has taken the pinned program over. */
  get isHolder(): boolean {
    return this.#responder.holder === this.#token;
  }

  /** Which lease an address depends on. When they are all in use, the longest that is not too long. */
  of(hold: number): number {
    if (this.#responder.pinned === undefined) return 0;
    const known = this.#holds.indexOf(hold);
    if (known >= 0) return known;
    if (this.#holds.length < this.#responder.leaseCount) {
      const lease = this.#holds.push(hold) - 1;
      // At once: the process may be gone before the next renewal.
      this.#renew(lease, hold, this.#now());
      return lease;
    }
    const shorter = this.#holds.filter(other => other <= hold);
    return this.#holds.indexOf(Math.max(...shorter));
  }

  renew(nowNs: bigint): void {
    for (const [lease, hold] of this.#holds.entries()) if (lease === 0 || !this.#isLeaving) this.#renew(lease, hold, nowNs);
  }

  /** The goodbye was said: from here on the others count the hold times, however long this process takes to end. */
  leave(): void {
    this.#isLeaving = true;
  }

  #renew(lease: number, hold: number, nowNs: bigint): void {
    this.#responder.renew(nowNs + BigInt(Math.max(hold, SHORT)) * NS_PER_MS, lease);
  }

  /** This process ends and the next one goes on: what nobody holds falls silent. */
  rest(): void {
    this.#responder.renew(0n, 0);
  }
}
