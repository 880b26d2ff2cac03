import { isIPv4, isIPv6 } from 'node:net';

/** IP addresses as numbers, as far as the Service range and validation need them. */

export type Family = 'IPv4' | 'IPv6';

/** Strict: no leading zeros, no zone. */
export function familyOf(text: string): Family | undefined {
  if (isIPv4(text)) return 'IPv4';
  return isIPv6(text) && !text.includes('%') ? 'IPv6' : undefined;
}

/** The number of an address that {@link familyOf} accepts. */
export function addressValue(text: string): bigint {
  if (isIPv4(text)) return text.split('.').reduce((value, part) => value * 256n + BigInt(part), 0n);
  let tail = text;
  const dotted = /[\d.]+$/.exec(text)?.[0] ?? '';
  if (dotted.includes('.')) {
    const value = addressValue(dotted);
    tail = `${text.slice(0, -dotted.length)}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  }
  const [head = '', rest] = tail.split('::', 2);
  const left = head === '' ? [] : head.split(':');
  const right = rest === undefined || rest === '' ? [] : rest.split(':');
  const middle = rest === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...middle, ...right].reduce((value, part) => value * 65536n + BigInt(`0x${part}`), 0n);
}

/** The canonical text of an address (RFC 5952). */
export function addressText(value: bigint, family: Family): string {
  if (family === 'IPv4') return [24n, 16n, 8n, 0n].map(shift => String((value >> shift) & 255n)).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = groups.map(group => group.toString(16));
  if (best.start < 0) return hex.join(':');
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`;
}

/** A block of addresses. */
export interface Cidr {
  family: Family;
  first: bigint;
  size: bigint;
  text: string;
}

/** Undefined for what is no CIDR. Host bits are allowed and cut off. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text);
  const family = match?.[1] === undefined ? undefined : familyOf(match[1]);
  if (match === null || family === undefined) return undefined;
  const bits = family === 'IPv4' ? 32 : 128;
  const length = Number(match[2]);
  if (length > bits || (match[2] !== '0' && match[2]?.startsWith('0') === true)) return undefined;
  const size = 1n << BigInt(bits - length);
  const value = addressValue(match[1] ?? '');
  return { family, first: value - (value % size), size, text };
}

export const contains = (cidr: Cidr, value: bigint): boolean => value >= cidr.first && value < cidr.first + cidr.size;
