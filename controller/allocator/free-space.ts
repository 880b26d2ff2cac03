import type { Address, Family, RangeSet } from '@herald/ip';
import { IntervalSet } from './interval-set.ts';

/** A range of the pool, with its place in the row of all addresses of the pool laid end to end. */
interface Segment {
  readonly first: bigint;
  readonly last: bigint;
  readonly base: bigint;
}

/**
 * Which addresses of one family of a pool are taken. The ranges are laid end to end into one row of numbers, so that the lowest
 * free address is the first gap of one interval set: O(log n), the same for a /30, a /8 and a /64, empty or nearly full.
 */
export class FreeSpace {
  readonly family: Family;
  /** How many addresses may be given out at all, taken ones included; exact. */
  readonly capacity: bigint;
  readonly #segments: readonly Segment[];
  readonly #total: bigint;
  readonly #avoidBuggy: boolean;
  readonly #taken = new IntervalSet();
  #takenCount = 0n;

  /** `avoidBuggy`: IPv4 addresses ending in .0 or .255 are never offered. */
  constructor(family: Family, usable: RangeSet, avoidBuggy: boolean) {
    this.family = family;
    this.#avoidBuggy = avoidBuggy && family === 4;
    const segments: Segment[] = [];
    let base = 0n;
    let buggy = 0n;
    for (const range of usable.ranges) {
      if (range.first.family !== family) continue;
      const [first, last] = [range.first.value, range.last.value];
      segments.push({ first, last, base });
      base += last - first + 1n;
      if (this.#avoidBuggy) buggy += buggyUpTo(last) - (first === 0n ? 0n : buggyUpTo(first - 1n));
    }
    this.#segments = segments;
    this.#total = base;
    this.capacity = base - buggy;
  }

  /** Addresses that may be given out now; exact. */
  get available(): bigint {
    return this.capacity - this.#takenCount;
  }

  /** Whether this pool may ever give the address out. */
  covers(value: bigint): boolean {
    return !(this.#avoidBuggy && isBuggy(value)) && this.#ordinal(value) !== undefined;
  }

  take(value: bigint): void {
    const ordinal = this.#ordinal(value);
    if (ordinal === undefined || (this.#avoidBuggy && isBuggy(value)) || this.#taken.has(ordinal)) return;
    this.#taken.add(ordinal);
    this.#takenCount++;
  }

  free(value: bigint): void {
    const ordinal = this.#ordinal(value);
    if (ordinal === undefined || (this.#avoidBuggy && isBuggy(value)) || !this.#taken.has(ordinal)) return;
    this.#taken.delete(ordinal);
    this.#takenCount--;
  }

  /** The lowest free address, or undefined when none is left. */
  lowest(): Address | undefined {
    for (;;) {
      const ordinal = this.#taken.firstGap(0n);
      if (ordinal >= this.#total) return undefined;
      const value = this.#value(ordinal);
      if (!this.#avoidBuggy || !isBuggy(value)) return { family: this.family, value };
      // Marked for good, uncounted, so that it is stepped over once and not at every call.
      this.#taken.add(ordinal);
    }
  }

  #ordinal(value: bigint): bigint | undefined {
    const segment = this.#last(s => s.first <= value);
    return segment !== undefined && value <= segment.last ? segment.base + value - segment.first : undefined;
  }

  #value(ordinal: bigint): bigint {
    const segment = this.#last(s => s.base <= ordinal);
    if (segment === undefined) throw new RangeError(`ordinal ${ordinal} is outside the pool`);
    return segment.first + ordinal - segment.base;
  }

  /** The last segment for which a monotonous condition holds. */
  #last(holds: (segment: Segment) => boolean): Segment | undefined {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const segment = this.#segments[middle];
      if (segment !== undefined && holds(segment)) low = middle + 1;
      else high = middle;
    }
    return this.#segments[low - 1];
  }
}

/** IPv4 addresses that old equipment takes for a network or broadcast address (MetalLB `avoidBuggyIPs`). */
export function isBuggy(value: bigint): boolean {
  const octet = value & 0xffn;
  return octet === 0n || octet === 255n;
}

/** How many buggy addresses there are from 0.0.0.0 up to and including this one. */
function buggyUpTo(value: bigint): bigint {
  return value / 256n + 1n + (value + 1n) / 256n;
}
