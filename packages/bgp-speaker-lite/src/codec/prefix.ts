import { BgpError } from '../errors.ts';
import { formatAddress, tryParseAddress } from './address.ts';
import type { Family } from './family.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/**
 * One destination as NLRI carries it (RFC 4271 §4.3): a length in bits, then as many octets as hold it.
 * Bits beyond the length are irrelevant: kept as received, zero in what {@link parsePrefix} makes.
 */
export interface Prefix {
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** A prefix the user named: its family, its canonical text (the key in every table) and its octets on the wire. */
export interface NamedPrefix {
  readonly family: Family;
  readonly text: string;
  /** Length octet and address octets. */
  readonly wire: Uint8Array;
}

export function octetsFor(bits: number): number {
  return (bits + 7) >>> 3;
}

/** Why a list of prefixes cannot be read: nothing after it can be located any more. */
export class NlriError extends Error {
  override readonly name = 'NlriError';
}

/** Reads prefixes until the octets end. Throws {@link NlriError} for a length above `bits` or an overrun. */
export function decodePrefixes(reader: Reader, bits: number): Prefix[] {
  const prefixes: Prefix[] = [];
  while (reader.remaining > 0) {
    const length = reader.u8();
    if (length > bits) throw new NlriError(`prefix length ${length} exceeds ${bits}`);
    const octets = octetsFor(length);
    if (octets > reader.remaining) throw new NlriError(`prefix of ${length} bits overruns its field`);
    prefixes.push({ length, bytes: reader.take(octets) });
  }
  return prefixes;
}

export function encodePrefix(writer: Writer, prefix: Prefix): void {
  writer.u8(prefix.length).bytes(prefix.bytes);
}

/** Key of a prefix that ignores the irrelevant bits, for counting distinct destinations. */
export function prefixKey(afi: number, prefix: Prefix): string {
  const { length, bytes } = prefix;
  const spare = bytes.length * 8 - length;
  let key = `${afi}/${length}/`;
  for (let i = 0; i < bytes.length; i++) {
    const octet = bytes[i] as number;
    key += String.fromCharCode(i === bytes.length - 1 ? (octet >>> spare) << spare : octet);
  }
  return key;
}

/** Text of a received prefix, irrelevant bits zeroed. */
export function formatPrefix(bits: number, prefix: Prefix): string {
  const address = new Uint8Array(bits / 8);
  address.set(prefix.bytes);
  clearHostBits(address, prefix.length);
  return `${formatAddress(address)}/${prefix.length}`;
}

function clearHostBits(address: Uint8Array, length: number): boolean {
  let cleared = false;
  for (let i = length >>> 3; i < address.length; i++) {
    const keep = i === length >>> 3 ? (0xff00 >>> (length & 7)) & 0xff : 0;
    const octet = address[i] as number;
    if ((octet & keep) !== octet) {
      cleared = true;
      address[i] = octet & keep;
    }
  }
  return cleared;
}

/** A prefix in text (`192.0.2.0/24`, `2001:db8::/32`; a bare address is a host route). Throws `BGP_BAD_PREFIX`. */
export function parsePrefix(text: string): NamedPrefix {
  const slash = text.indexOf('/');
  const address = tryParseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!address) throw new BgpError('BGP_BAD_PREFIX', `prefix ${JSON.stringify(text)} is not an IPv4 or IPv6 prefix such as 192.0.2.1/32`);
  const bits = address.length * 8;
  const digits = slash < 0 ? String(bits) : text.slice(slash + 1);
  const length = /^(0|[1-9]\d{0,2})$/.test(digits) ? Number(digits) : -1;
  if (length < 0 || length > bits)
    throw new BgpError('BGP_BAD_PREFIX', `prefix ${JSON.stringify(text)} must have a length from 0 to ${bits}`);
  if (clearHostBits(address, length))
    throw new BgpError('BGP_BAD_PREFIX', `prefix ${JSON.stringify(text)} has host bits set; write ${formatAddress(address)}/${length}`);
  const wire = new Uint8Array(1 + octetsFor(length));
  wire[0] = length;
  wire.set(address.subarray(0, wire.length - 1), 1);
  return bits === 32
    ? { family: 'ipv4-unicast', text: slash < 0 ? `${text}/32` : text, wire }
    : { family: 'ipv6-unicast', text: `${formatAddress(address)}/${length}`, wire };
}
