import { keyOf, type Ranked } from './order.ts';

/** Marks the end of a row that is shorter than the table is wide. */
const none = -1;

/**
 * The orders of all addresses, as node indexes in one block of memory: when a node changes, ten thousand orders are looked through for it,
 * and following a reference for each of them would take most of the time.
 */
export class OrderTable<T> {
  readonly #rows = new Map<T, number>();
  readonly #owners: (T | undefined)[] = [];
  readonly #free: number[] = [];
  #width: number;
  #cells = new Int32Array(0);
  #hashes = new Uint32Array(0);
  #scopes = new Int32Array(0);

  /** @param width how many nodes an order usually lists at most; the table grows when one lists more */
  constructor(width: number) {
    this.#width = Math.max(1, width);
  }

  /** @param scope whose candidates the order is made of, a number ≥ 0; -1: it is looked at one by one */
  set(owner: T, order: readonly Ranked[], addressHash: number, scope: number): void {
    const row = this.#rowOf(owner, order.length);
    for (let i = 0; i < this.#width; i++) this.#cells[row * this.#width + i] = order[i]?.index ?? none;
    this.#hashes[row] = addressHash;
    this.#scopes[row] = scope;
  }

  delete(owner: T): void {
    const row = this.#rows.get(owner);
    if (row === undefined) return;
    this.#rows.delete(owner);
    this.#owners[row] = undefined;
    this.#scopes[row] = none;
    this.#free.push(row);
  }

  /** Whose orders of this scope list the candidate. */
  *listing(scope: number, { index }: Ranked): Generator<T> {
    const cells = this.#cells;
    const width = this.#width;
    for (let row = 0; row < this.#owners.length; row++) {
      if (this.#scopes[row] !== scope) continue;
      for (let at = row * width; at < (row + 1) * width && cells[at] !== none; at++) {
        if (cells[at] !== index) continue;
        yield this.#owners[row] as T;
        break;
      }
    }
  }

  /** Whose orders of this scope a candidate belongs into, before the last one they list; also some of those that list it. */
  *overtaken(scope: number, candidate: Ranked, at: (index: number) => Ranked | undefined): Generator<T> {
    for (let row = 0; row < this.#owners.length; row++) {
      if (this.#scopes[row] !== scope) continue;
      const last = at(this.#lastOf(row));
      const hash = this.#hashes[row] as number;
      if (last === undefined || keyOf(candidate, hash) >= keyOf(last, hash)) yield this.#owners[row] as T;
    }
  }

  #lastOf(row: number): number {
    let last = none;
    for (let at = row * this.#width; at < (row + 1) * this.#width && this.#cells[at] !== none; at++) last = this.#cells[at] as number;
    return last;
  }

  #rowOf(owner: T, length: number): number {
    if (length > this.#width) this.#resize(length, this.#hashes.length);
    let row = this.#rows.get(owner);
    if (row !== undefined) return row;
    row = this.#free.pop() ?? this.#owners.length;
    if (row >= this.#hashes.length) this.#resize(this.#width, Math.max(64, 2 * row));
    this.#rows.set(owner, row);
    this.#owners[row] = owner;
    return row;
  }

  #resize(width: number, rows: number): void {
    const cells = new Int32Array(width * rows).fill(none);
    for (let row = 0; row < this.#owners.length; row++)
      cells.set(this.#cells.subarray(row * this.#width, (row + 1) * this.#width), row * width);
    const hashes = new Uint32Array(rows);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const scopes = new Int32Array(rows);
    scopes.set(this.#scopes);
    this.#scopes = scopes;
    this.#cells = cells;
    this.#width = width;
  }
}
