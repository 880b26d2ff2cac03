import type { Random } from './clock.ts';

export interface BackoffOptions {
  baseMs?: number;
  maxMs?: number;
  /** Fraction of the delay added at random, so that many clients do not come back together. */
  jitter?: number;
}

/** Exponential backoff with jitter: base, 2·base, 4·base … max, each plus up to `jitter` of itself. */
export class Backoff {
  #attempt = 0;
  readonly #base: number;
  readonly #max: number;
  readonly #jitter: number;
  readonly #random: Random;

  constructor(random: Random, options: BackoffOptions = {}) {
    this.#random = random;
    this.#base = options.baseMs ?? 800;
    this.#max = options.maxMs ?? 30_000;
    this.#jitter = options.jitter ?? 0.5;
  }

  /** Milliseconds to wait before the next attempt; `capMs` lowers the ceiling for this one. */
  next(capMs: number = this.#max): number {
    const delay = Math.min(this.#base * 2 ** Math.min(this.#attempt, 30), this.#max, capMs);
    this.#attempt++;
    return delay * (1 + this.#jitter * this.#random());
  }

  reset(): void {
    this.#attempt = 0;
  }
}
