import { isIP } from 'node:net';
import { RawSocketError } from './error.ts';

/** 4 or 16 bytes in network order. Strict text (RFC 4291 for IPv6), without a zone. */
export function parseIp(text: string): Buffer {
  switch (isIP(text)) {
    case 4:
      return Buffer.from(text.split('.').map(Number));
    case 6:
      if (!text.includes('%')) return parseV6(text);
  }
  throw new RawSocketError('InvalidArgument', `not an IP address: ${JSON.stringify(text)}`);
}

function parseV6(text: string): Buffer {
  const bytes = Buffer.alloc(16);
  const dotted = text.lastIndexOf(':') + 1;
  const whole = text.includes('.') ? text.slice(0, dotted) + hexPair(text.slice(dotted)) : text;
  const [head = '', tail] = whole.split('::');
  textGroups(head).forEach((group, i) => bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * i));
  if (tail !== undefined) {
    const last = textGroups(tail);
    last.forEach((group, i) => bytes.writeUInt16BE(Number.parseInt(group, 16), 16 - 2 * (last.length - i)));
  }
  return bytes;
}

const textGroups = (part: string): string[] => (part === '' ? [] : part.split(':'));

function hexPair(dotted: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** Text of 4 or 16 bytes; IPv6 as RFC 5952 wants it. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  if (bytes.length !== 16) throw new RawSocketError('InvalidArgument', `an address has 4 or 16 bytes, not ${bytes.length}`);
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] as number) << 8) | (bytes[i + 1] as number));
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) return `::ffff:${formatIp(bytes.subarray(12))}`;
  const run = longestZeros(groups);
  return run.length < 2
    ? hexGroups(groups)
    : `${hexGroups(groups.slice(0, run.start))}::${hexGroups(groups.slice(run.start + run.length))}`;
}

const hexGroups = (groups: number[]): string => groups.map(group => group.toString(16)).join(':');

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length += 1;
    if (length > best.length) best = { start, length };
    start += length;
  }
  return best;
}

/** `aa:bb:cc:dd:ee:ff` → 6 bytes. */
export function parseMac(text: string): Buffer {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) {
    throw new RawSocketError('InvalidArgument', `not a MAC address: ${JSON.stringify(text)}`);
  }
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Any link-layer address, lower case, octets joined by colons. */
export function formatMac(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += (i === 0 ? '' : ':') + (hex[bytes[i] as number] as string);
  return text;
}
