/** A set of keys to be worked on in the next turns of the event loop, each once, so that bursts of changes cost one pass. */
export class KeyQueue {
  readonly #work: (key: string) => void;
  readonly #onError: (error: unknown, key: string) => void;
  readonly #keys = new Set<string>();
  #scheduled: NodeJS.Immediate | undefined;
  #stopped = false;

  constructor(work: (key: string) => void, onError: (error: unknown, key: string) => void) {
    this.#work = work;
    this.#onError = onError;
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#keys.add(key);
    this.#scheduled ??= setImmediate(() => this.#drain());
  }

  /** True when nothing is waiting. */
  get idle(): boolean {
    return this.#keys.size === 0;
  }

  stop(): void {
    this.#stopped = true;
    this.#keys.clear();
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
  }

  #drain(): void {
    this.#scheduled = undefined;
    let budget = 200;
    for (const key of this.#keys) {
      this.#keys.delete(key);
      try {
        this.#work(key);
      } catch (error) {
        this.#onError(error, key);
      }
      if (--budget === 0) break;
    }
    // Requests come in between; what is left waits for the next turn.
    if (this.#keys.size > 0) this.#scheduled ??= setImmediate(() => this.#drain());
  }
}
