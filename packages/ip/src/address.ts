import { IpError, quote } from './error.ts';

export type Family = 4 | 6;

/** An IP address: its family, and its bits read as one unsigned number in network byte order. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** Width of an address in bits. */
export function bitsOf(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** The highest address of a family, as a number. */
export function maxValue(family: Family): bigint {
  return family === 4 ? 0xffff_ffffn : (1n << 128n) - 1n;
}

/** Makes an address of a number. Throws `OUT_OF_BOUNDS` where the family has no such address. */
export function addressOf(family: Family, value: bigint): Address {
  if (value < 0n || value > maxValue(family)) throw new IpError('OUT_OF_BOUNDS', `${value} is not an IPv${family} address`);
  return { family, value };
}

/**
 * Parses dotted-decimal IPv4 or RFC 4291 §2.2 IPv6 text, and nothing else: no blanks, zones, leading zeros in octets, or short
 * forms such as `10.1`, because other programs read those differently. Throws {@link IpError}.
 */
export function parseAddress(text: string): Address {
  // The longest text is an IPv6 address with an embedded IPv4 one: 45 characters.
  const address = text.length > 45 ? undefined : text.includes(':') ? parse6(text) : parse4(text);
  if (address !== undefined) return address;
  if (text.includes('%')) throw new IpError('ZONE', `${quote(text)} carries a zone; write the address without "%…"`);
  if (/(^|\.)0\d/.test(text) && !text.includes(':')) {
    throw new IpError('LEADING_ZERO', `${quote(text)} has an octet with a leading zero; write it in plain decimal`);
  }
  throw new IpError('INVALID_ADDRESS', `${quote(text)} is not an IPv4 or IPv6 address`);
}

/** As {@link parseAddress}, with `undefined` in place of the error. */
export function tryParseAddress(text: string): Address | undefined {
  if (text.length > 45) return undefined;
  return text.includes(':') ? parse6(text) : parse4(text);
}

/** Text of an address: dotted decimal, or RFC 5952 (also its §5: `::ffff:192.0.2.1` for IPv4-mapped addresses). */
export function formatAddress(address: Address): string {
  return address.family === 4 ? format4(Number(address.value)) : format6(address.value);
}

/** Orders IPv4 before IPv6, then by number. */
export function compareAddresses(a: Address, b: Address): -1 | 0 | 1 {
  if (a.family !== b.family) return a.family < b.family ? -1 : 1;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

export function equalAddresses(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}

/** The 4 or 16 bytes of an address in network byte order. */
export function addressToBytes(address: Address): Uint8Array {
  const bytes = new Uint8Array(bitsOf(address.family) / 8);
  let rest = address.value;
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** The address in 4 or 16 bytes. Throws `OUT_OF_BOUNDS` for any other length. */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length !== 4 && bytes.length !== 16) throw new IpError('OUT_OF_BOUNDS', `${bytes.length} bytes are no IP address`);
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

function parse4(text: string): Address | undefined {
  const value = octets(text, 0);
  return value < 0 ? undefined : { family: 4, value: BigInt(value) };
}

/** The number in four dotted octets from `start` to the end of the text, or -1. */
function octets(text: string, start: number): number {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let i = start; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 46) {
      if (octet < 0 || ++dots > 3) return -1;
      value = value * 256 + octet;
      octet = -1;
    } else if (c >= 48 && c <= 57) {
      if (octet === 0) return -1;
      octet = (octet < 0 ? 0 : octet * 10) + c - 48;
      if (octet > 255) return -1;
    } else return -1;
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : -1;
}

function parse6(text: string): Address | undefined {
  const groups: number[] = [];
  let gap = -1;
  let i = 0;
  if (text.startsWith('::')) {
    gap = 0;
    i = 2;
  }
  while (i < text.length) {
    const end = groupEnd(text, i);
    if (end < text.length && text.charCodeAt(end) === 46) {
      const v4 = octets(text, i);
      if (v4 < 0) return undefined;
      groups.push(Math.floor(v4 / 65_536), v4 % 65_536);
      i = text.length;
      break;
    }
    if (end === i || end - i > 4) return undefined;
    groups.push(Number.parseInt(text.slice(i, end), 16));
    if (groups.length > 8) return undefined;
    i = end;
    if (i === text.length) break;
    if (text.charCodeAt(i) !== 58) return undefined;
    i++;
    if (text.charCodeAt(i) === 58) {
      if (gap >= 0) return undefined;
      gap = groups.length;
      i++;
    } else if (i === text.length) return undefined;
  }
  if (gap < 0 ? groups.length !== 8 : groups.length > 7) return undefined;
  const missing = 8 - groups.length;
  let value = 0n;
  for (let pair = 0; pair < 8; pair += 2) {
    value = (value << 32n) | BigInt(groupAt(groups, pair, gap, missing) * 65_536 + groupAt(groups, pair + 1, gap, missing));
  }
  return { family: 6, value };
}

function groupAt(groups: readonly number[], index: number, gap: number, missing: number): number {
  if (gap < 0 || index < gap) return groups[index] ?? 0;
  return index < gap + missing ? 0 : (groups[index - missing] ?? 0);
}

/** Index after the run of hexadecimal digits that begins at `from`. */
function groupEnd(text: string, from: number): number {
  let i = from;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (!((c >= 48 && c <= 57) || (c >= 65 && c <= 70) || (c >= 97 && c <= 102))) break;
  }
  return i;
}

function format4(n: number): string {
  return `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
}

function format6(value: bigint): string {
  if (value >> 32n === 0xffffn) return `::ffff:${format4(Number(value & 0xffff_ffffn))}`;
  const groups: number[] = [];
  for (let shift = 96n; shift >= 0n; shift -= 32n) {
    const word = Number((value >> shift) & 0xffff_ffffn);
    groups.push(word >>> 16, word & 0xffff);
  }
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map(group => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** RFC 5952 §4.2.3: the longest run of zero groups is shortened, the first one among equals. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [i, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: i - length + 1, length };
  }
  return best;
}
