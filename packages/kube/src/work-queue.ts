import { type Clock, type Random, sleep, systemClock, systemRandom, type Timer } from './clock.ts';
import { TokenBucket } from './token-bucket.ts';

/** Called as things happen, for metrics. All optional. */
export interface QueueObserver {
  /** Keys waiting now. */
  depth?(depth: number): void;
  added?(): void;
  retried?(): void;
  /** Milliseconds from add to the start of the work. */
  waited?(ms: number): void;
  /** Milliseconds of work. */
  worked?(ms: number): void;
}

export interface WorkQueueOptions {
  /** For logs and metrics. */
  name?: string;
  clock?: Clock;
  random?: Random;
  /** Delay after a key's first failure; doubles with each further one. Default 5 ms. */
  baseDelayMs?: number;
  /** Default 60 s. */
  maxDelayMs?: number;
  /** Bucket over all retries, so that a broken cluster is not hammered. Default 10/s with a burst of 100. */
  qps?: number;
  burst?: number;
  observer?: QueueObserver;
  /** Told of every failed attempt. */
  onError?: (key: string, error: unknown, attempt: number) => void;
}

/** What a handler may ask for. A throw asks for a retry with backoff. */
export interface Requeue {
  requeueAfterMs: number;
}

/**
 * A queue of keys, the level-triggered kind (client-go's workqueue): a key waits at most once, is worked on by one worker at a time,
 * and added again while it is worked on, it comes back afterwards.
 */
export class WorkQueue<K extends string = string> {
  readonly name: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #base: number;
  readonly #max: number;
  readonly #bucket: TokenBucket;
  readonly #observer: QueueObserver;
  readonly #onError: WorkQueueOptions['onError'];
  /** Insertion order is the order of work; the value is when it was added. */
  readonly #waiting = new Map<K, number>();
  readonly #working = new Set<K>();
  /** Added while being worked on. */
  readonly #again = new Set<K>();
  readonly #timers = new Map<K, { timer: Timer; at: number }>();
  readonly #failures = new Map<K, number>();
  readonly #takers: ((key: K | undefined) => void)[] = [];
  #closed = false;

  constructor(options: WorkQueueOptions = {}) {
    this.name = options.name ?? 'queue';
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#base = options.baseDelayMs ?? 5;
    this.#max = options.maxDelayMs ?? 60_000;
    this.#bucket = new TokenBucket(this.#clock, options.qps ?? 10, options.burst ?? 100);
    this.#observer = options.observer ?? {};
    this.#onError = options.onError;
  }

  /** Keys waiting to be worked on (not those waiting for a delay). */
  get length(): number {
    return this.#waiting.size;
  }

  /** True when nothing waits, nothing is worked on and nothing is delayed. */
  get idle(): boolean {
    return this.#waiting.size === 0 && this.#working.size === 0 && this.#timers.size === 0 && this.#again.size === 0;
  }

  add(key: K): void {
    if (this.#closed || this.#waiting.has(key)) return;
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#waiting.set(key, this.#clock.now());
    this.#observer.added?.();
    this.#observer.depth?.(this.#waiting.size);
    const taker = this.#takers.shift();
    if (taker !== undefined) taker(this.#take());
  }

  /** Adds after a delay; of several delays for one key the earliest counts. */
  addAfter(key: K, ms: number): void {
    if (this.#closed) return;
    if (ms <= 0) return this.add(key);
    const at = this.#clock.now() + ms;
    const pending = this.#timers.get(key);
    if (pending !== undefined) {
      if (pending.at <= at) return;
      pending.timer.cancel();
    }
    const timer = this.#clock.after(ms, () => {
      this.#timers.delete(key);
      this.add(key);
    });
    this.#timers.set(key, { timer, at });
  }

  /** Adds after the key's own exponential backoff (jittered) or the bucket, whichever is longer. */
  addRateLimited(key: K): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const own = Math.min(this.#max, this.#base * 2 ** Math.min(failures, 30)) * (1 + 0.2 * this.#random());
    this.#observer.retried?.();
    this.addAfter(key, Math.max(own, this.#bucket.reserve()));
  }

  /** How often the key failed since it last succeeded. */
  failures(key: K): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Forgets the key's failures: its next backoff starts small. */
  forget(key: K): void {
    this.#failures.delete(key);
  }

  /** The next key, or undefined once the queue is closed. Every key taken must be given back with `done`. */
  async get(): Promise<K | undefined> {
    if (this.#closed) return undefined;
    const key = this.#take();
    if (key !== undefined) return key;
    return new Promise(resolve => this.#takers.push(resolve));
  }

  done(key: K): void {
    this.#working.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }

  /** Drops what waits and releases the workers; work in progress finishes. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#waiting.clear();
    this.#again.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
    this.#observer.depth?.(0);
  }

  /** Works until `signal` aborts: a success forgets the key's failures, a throw retries it with backoff. Resolves when all workers are done. */
  async run(
    work: (key: K, signal: AbortSignal) => Promise<Requeue | void>,
    options: { workers?: number; signal: AbortSignal },
  ): Promise<void> {
    const { signal } = options;
    const close = () => this.close();
    if (signal.aborted) close();
    signal.addEventListener('abort', close, { once: true });
    const worker = async () => {
      for (let key = await this.get(); key !== undefined; key = await this.get()) await this.#work(key, work, signal);
    };
    try {
      await Promise.all(Array.from({ length: options.workers ?? 1 }, worker));
    } finally {
      signal.removeEventListener('abort', close);
    }
  }

  async #work(key: K, work: (key: K, signal: AbortSignal) => Promise<Requeue | void>, signal: AbortSignal): Promise<void> {
    const started = this.#clock.now();
    try {
      const again = await work(key, signal);
      this.forget(key);
      this.done(key);
      if (again !== undefined) this.addAfter(key, again.requeueAfterMs);
    } catch (error) {
      this.done(key);
      if (signal.aborted) return;
      this.#onError?.(key, error, this.failures(key) + 1);
      this.addRateLimited(key);
    } finally {
      this.#observer.worked?.(this.#clock.now() - started);
    }
  }

  #take(): K | undefined {
    for (const [key, addedAt] of this.#waiting) {
      this.#waiting.delete(key);
      this.#working.add(key);
      this.#observer.depth?.(this.#waiting.size);
      this.#observer.waited?.(this.#clock.now() - addedAt);
      return key;
    }
    return undefined;
  }
}

/** Resolves when the queue has been idle, checked every `everyMs`; for shutdown and tests. */
export async function whenIdle(queue: WorkQueue, clock: Clock, everyMs = 5): Promise<void> {
  while (!queue.idle) await sleep(clock, everyMs);
}
