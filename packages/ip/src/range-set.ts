import { type Address, compareAddresses, type Family } from './address.ts';
import type { Cidr } from './cidr.ts';
import { type Range, rangeCidrs, rangeContains, rangeCount } from './range.ts';

/** A set of addresses of both families, held as sorted, disjoint, non-adjacent ranges. Immutable; every operation is linear or better. */
export class RangeSet {
  static readonly empty = new RangeSet([]);

  /** IPv4 first, then ascending; no two of them overlap or touch. */
  readonly ranges: readonly Range[];

  private constructor(ranges: readonly Range[]) {
    this.ranges = ranges;
  }

  /** The union of any ranges, in any order. */
  static of(ranges: Iterable<Range>): RangeSet {
    const sorted = [...ranges].sort((a, b) => compareAddresses(a.first, b.first));
    const merged: Range[] = [];
    for (const range of sorted) {
      const previous = merged.at(-1);
      if (previous === undefined || previous.last.family !== range.first.family || previous.last.value + 1n < range.first.value) {
        merged.push(range);
      } else if (previous.last.value < range.last.value) {
        merged[merged.length - 1] = { first: previous.first, last: range.last };
      }
    }
    return new RangeSet(merged);
  }

  get isEmpty(): boolean {
    return this.ranges.length === 0;
  }

  /** Number of addresses, of one family or of both; exact. */
  count(family?: Family): bigint {
    let sum = 0n;
    for (const range of this.ranges) if (family === undefined || range.first.family === family) sum += rangeCount(range);
    return sum;
  }

  contains(address: Address): boolean {
    const range = this.ranges[this.firstEndingAtOrAfter(address)];
    return range !== undefined && rangeContains(range, address);
  }

  union(other: RangeSet): RangeSet {
    return RangeSet.of([...this.ranges, ...other.ranges]);
  }

  intersection(other: RangeSet): RangeSet {
    const common: Range[] = [];
    this.sweep(other, (a, b) => {
      common.push({ first: max(a.first, b.first), last: min(a.last, b.last) });
      return true;
    });
    return RangeSet.of(common);
  }

  /** What is in this set and not in the other. */
  difference(other: RangeSet): RangeSet {
    const rest: Range[] = [];
    let at = 0;
    for (const range of this.ranges) {
      let first: Address | undefined = range.first;
      // `at` only moves forward: a range of the other set that ends before this one starts is never needed again.
      for (let cut = other.ranges[at]; cut !== undefined && compareAddresses(cut.last, range.first) < 0; cut = other.ranges[at]) at++;
      for (let i = at; first !== undefined; i++) {
        const cut = other.ranges[i];
        if (cut === undefined || compareAddresses(cut.first, range.last) > 0) {
          rest.push({ first, last: range.last });
          break;
        }
        if (compareAddresses(first, cut.first) < 0) rest.push({ first, last: offset(cut.first, -1n) });
        first = compareAddresses(cut.last, range.last) < 0 ? offset(cut.last, 1n) : undefined;
      }
    }
    return RangeSet.of(rest);
  }

  overlaps(other: RangeSet): boolean {
    let found = false;
    this.sweep(other, () => {
      found = true;
      return false;
    });
    return found;
  }

  equals(other: RangeSet): boolean {
    if (this.ranges.length !== other.ranges.length) return false;
    return this.ranges.every((range, i) => {
      const twin = other.ranges[i];
      return twin !== undefined && compareAddresses(range.first, twin.first) === 0 && compareAddresses(range.last, twin.last) === 0;
    });
  }

  /** The fewest prefixes that cover exactly this set, in order. */
  cidrs(): Cidr[] {
    return this.ranges.flatMap(rangeCidrs);
  }

  /** Calls `visit` for each pair of overlapping ranges until it returns false. */
  private sweep(other: RangeSet, visit: (a: Range, b: Range) => boolean): void {
    let i = 0;
    let j = 0;
    for (;;) {
      const a = this.ranges[i];
      const b = other.ranges[j];
      if (a === undefined || b === undefined) return;
      if (compareAddresses(a.first, b.last) <= 0 && compareAddresses(b.first, a.last) <= 0 && !visit(a, b)) return;
      if (compareAddresses(a.last, b.last) < 0) i++;
      else j++;
    }
  }

  private firstEndingAtOrAfter(address: Address): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const range = this.ranges[middle];
      if (range !== undefined && compareAddresses(range.last, address) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function offset(address: Address, by: bigint): Address {
  return { family: address.family, value: address.value + by };
}

function max(a: Address, b: Address): Address {
  return compareAddresses(a, b) < 0 ? b : a;
}

function min(a: Address, b: Address): Address {
  return compareAddresses(a, b) < 0 ? a : b;
}
