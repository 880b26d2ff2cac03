import { type Address, addressOf, bitsOf, type Family, formatAddress, parseAddress } from './address.ts';
import { type Cidr, type CidrOptions, cidrSize, formatCidr, parseCidr } from './cidr.ts';
import { IpError, quote } from './error.ts';

/** All addresses from `first` to `last`, both included, of one family. */
export interface Range {
  readonly first: Address;
  readonly last: Address;
}

/** Throws `FAMILY_MISMATCH` or `RANGE_REVERSED`. */
export function rangeOf(first: Address, last: Address): Range {
  if (first.family !== last.family) {
    throw new IpError('FAMILY_MISMATCH', `range ${formatAddress(first)}-${formatAddress(last)} mixes IPv4 and IPv6`);
  }
  if (last.value < first.value) {
    throw new IpError('RANGE_REVERSED', `range ${formatAddress(first)}-${formatAddress(last)} ends before it starts`);
  }
  return { first, last };
}

/**
 * Parses `first-last` (blanks around the dash allowed) or a CIDR. A single address is refused: it is written `/32` or `/128`,
 * as in MetalLB. Throws {@link IpError}.
 */
export function parseRange(text: string, options: CidrOptions = {}): Range {
  const dash = text.indexOf('-');
  if (dash < 0) {
    if (!text.includes('/')) {
      throw new IpError('INVALID_RANGE', `${quote(text)} is neither a CIDR nor a range "first-last"; a single address needs /32 or /128`);
    }
    return cidrRange(parseCidr(text.trim(), options));
  }
  return rangeOf(parseAddress(text.slice(0, dash).trim()), parseAddress(text.slice(dash + 1).trim()));
}

/** `first-last`, the CIDR where the range is exactly one, or the plain address of a range of one. */
export function formatRange(range: Range): string {
  if (range.first.value === range.last.value) return formatAddress(range.first);
  const [only, more] = rangeCidrs(range);
  if (only !== undefined && more === undefined) return formatCidr(only);
  return `${formatAddress(range.first)}-${formatAddress(range.last)}`;
}

export function cidrRange(cidr: Cidr): Range {
  const { family, value } = cidr.address;
  return { first: cidr.address, last: addressOf(family, value + cidrSize(family, cidr.prefixLength) - 1n) };
}

/** Number of addresses, exact. */
export function rangeCount(range: Range): bigint {
  return range.last.value - range.first.value + 1n;
}

export function rangeContains(range: Range, address: Address): boolean {
  return address.family === range.first.family && address.value >= range.first.value && address.value <= range.last.value;
}

export function rangesOverlap(a: Range, b: Range): boolean {
  return a.first.family === b.first.family && a.first.value <= b.last.value && b.first.value <= a.last.value;
}

/** The fewest prefixes that cover exactly this range: at most 2 × bits − 2 of them, in order. */
export function rangeCidrs(range: Range): Cidr[] {
  const family: Family = range.first.family;
  const cidrs: Cidr[] = [];
  let value = range.first.value;
  while (value <= range.last.value) {
    let hostBits = 0n;
    // Grow the prefix while it stays aligned and inside.
    while (hostBits < BigInt(bitsOf(family))) {
      const next = 1n << (hostBits + 1n);
      if (value % next !== 0n || value + next - 1n > range.last.value) break;
      hostBits++;
    }
    cidrs.push({ address: { family, value }, prefixLength: bitsOf(family) - Number(hostBits) });
    value += 1n << hostBits;
  }
  return cidrs;
}
