import { BgpError } from '../errors.ts';

/** Octets of an IP address: 4 or 16 of them. */
export type AddressBytes = Uint8Array;

const GROUPS = 8;

/** Octets of a strict dotted quad, or undefined. Leading zeros are refused: `010` is 8 to some and 10 to others. */
function parseV4(text: string, start = 0, end = text.length): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  let octet = 0;
  let digits = 0;
  let index = 0;
  for (let i = start; i <= end; i++) {
    const c = i === end ? 46 : text.charCodeAt(i);
    if (c === 46) {
      if (digits === 0 || index > 3) return undefined;
      bytes[index++] = octet;
      octet = 0;
      digits = 0;
    } else {
      if (c < 48 || c > 57 || (digits > 0 && octet === 0)) return undefined;
      octet = octet * 10 + c - 48;
      if (++digits > 3 || octet > 255) return undefined;
    }
  }
  return index === 4 ? bytes : undefined;
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && part.includes('.')) {
      const quad = parseV4(part);
      if (!quad) return undefined;
      groups.push(((quad[0] as number) << 8) | (quad[1] as number), ((quad[2] as number) << 8) | (quad[3] as number));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function parseV6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] as string);
  const tail = halves.length === 2 ? parseGroups(halves[1] as string) : [];
  if (!head || !tail) return undefined;
  const missing = GROUPS - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const bytes = new Uint8Array(16);
  [...head, ...Array.from({ length: missing }, () => 0), ...tail].forEach((group, i) => {
    bytes[2 * i] = group >>> 8;
    bytes[2 * i + 1] = group;
  });
  return bytes;
}

/** Octets of an address in text (IPv4 or IPv6, no zone), or undefined when the text is none. */
export function tryParseAddress(text: string): AddressBytes | undefined {
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

/** Octets of an address in text. Throws `BGP_BAD_ADDRESS`, naming `what` was asked for. */
export function parseAddress(text: string, what = 'address'): AddressBytes {
  const bytes = tryParseAddress(text);
  if (!bytes) throw new BgpError('BGP_BAD_ADDRESS', `${what} ${JSON.stringify(text)} is not an IPv4 or IPv6 address`);
  return bytes;
}

/** Text of an address: dotted quad, or RFC 5952 for IPv6. */
export function formatAddress(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: GROUPS }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) return `::ffff:${bytes.subarray(12).join('.')}`;
  let best = -1;
  let length = 1;
  for (let i = 0; i < GROUPS; i++) {
    let run = 0;
    while (i + run < GROUPS && groups[i + run] === 0) run++;
    if (run > length) {
      best = i;
      length = run;
    }
  }
  const text = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map(group => group.toString(16))
      .join(':');
  return best < 0 ? text(0, GROUPS) : `${text(0, best)}::${text(best + length, GROUPS)}`;
}

/** An address and the zone behind `%`, if there is one. */
export function splitZone(text: string): { address: string; zone: string | undefined } {
  const at = text.indexOf('%');
  return at < 0 ? { address: text, zone: undefined } : { address: text.slice(0, at), zone: text.slice(at + 1) };
}

export function isLinkLocal(bytes: AddressBytes): boolean {
  return bytes.length === 16 && bytes[0] === 0xfe && ((bytes[1] as number) & 0xc0) === 0x80;
}

/** The number of a BGP identifier or other 32-bit value written as a dotted quad (RFC 6286: any but zero). */
export function parseRouterId(text: string): number {
  const bytes = parseV4(text);
  const value = bytes ? new DataView(bytes.buffer).getUint32(0) : 0;
  if (value === 0)
    throw new BgpError('BGP_BAD_OPTION', `routerId ${JSON.stringify(text)} must be written like an IPv4 address and not be 0.0.0.0`);
  return value;
}

export function formatRouterId(id: number): string {
  return [id >>> 24, (id >>> 16) & 255, (id >>> 8) & 255, id & 255].join('.');
}

/** Why an address cannot be a next hop (a router would reset the session or drop the route over it), or undefined. */
export function badNextHop(bytes: AddressBytes): string | undefined {
  const first = bytes[0] as number;
  if (bytes.every(octet => octet === 0)) return 'is unspecified';
  if (bytes.length === 4) {
    if (first === 127) return 'is a loopback address';
    if (first === 0) return 'is in 0.0.0.0/8';
    if (first >= 240) return 'is in class E';
    if (first >= 224) return 'is a multicast address';
    return undefined;
  }
  if (first === 0xff) return 'is a multicast address';
  if (bytes.subarray(0, 15).every(octet => octet === 0) && bytes[15] === 1) return 'is the loopback address';
  return undefined;
}
