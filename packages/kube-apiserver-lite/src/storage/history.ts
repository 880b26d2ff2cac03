import type { Change } from './stored.ts';

/**
 * The last changes of one kind, oldest first, in a ring: what a watch that starts from a version replays, and what a list at
 * an exact version is computed from. A version older than the ring reaches is `Expired` (410).
 */
export class History {
  readonly #ring: (Change | undefined)[];
  #next = 0;
  #length = 0;
  #horizon: number;

  /** `horizon`: the revision from which on every change is known. */
  constructor(capacity: number, horizon: number) {
    if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError(`watch history must hold at least 1 change, not ${capacity}`);
    this.#ring = Array.from({ length: capacity });
    this.#horizon = horizon;
  }

  /** The oldest revision that a watch may start from. */
  get horizon(): number {
    return this.#horizon;
  }

  push(change: Change): void {
    const slot = this.#next;
    const dropped = this.#ring[slot];
    if (dropped !== undefined) this.#horizon = dropped.revision;
    this.#ring[slot] = change;
    this.#next = (slot + 1) % this.#ring.length;
    this.#length = Math.min(this.#length + 1, this.#ring.length);
  }

  /** The changes after `revision`, oldest first; undefined when some of them are no longer known. */
  since(revision: number): Change[] | undefined {
    if (revision < this.#horizon) return undefined;
    const found: Change[] = [];
    for (let back = 1; back <= this.#length; back++) {
      const change = this.#ring[(this.#next - back + this.#ring.length) % this.#ring.length];
      if (change === undefined || change.revision <= revision) break;
      found.push(change);
    }
    return found.reverse();
  }

  /** Forgets everything: only watches from `revision` on are served. */
  clear(revision: number): void {
    this.#ring.fill(undefined);
    this.#next = 0;
    this.#length = 0;
    this.#horizon = revision;
  }
}
