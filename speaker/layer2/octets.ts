import { type Address, formatAddress, parseAddress, tryParseAddress } from '@herald/ip';

/** IPv4 address of four octets in network order, as dotted text. */
export function readIpv4(octets: Uint8Array, offset: number): string {
  return `${octets[offset]}.${octets[offset + 1]}.${octets[offset + 2]}.${octets[offset + 3]}`;
}

/** IPv6 address of sixteen octets in network order, as RFC 5952 text. */
export function readIpv6(octets: Uint8Array, offset: number): string {
  const view = new DataView(octets.buffer, octets.byteOffset + offset, 16);
  return formatAddress({ family: 6, value: (view.getBigUint64(0) << 64n) | view.getBigUint64(8) });
}

/** Writes an address in network order: 4 octets for IPv4, 16 for IPv6. */
export function writeAddress(octets: Uint8Array, offset: number, text: string): void {
  const address = parseAddress(text);
  const view = new DataView(octets.buffer, octets.byteOffset + offset);
  if (address.family === 4) view.setUint32(0, Number(address.value));
  else {
    view.setBigUint64(0, address.value >> 64n);
    view.setBigUint64(8, address.value & 0xffff_ffff_ffff_ffffn);
  }
}

/** 4 or 6. Canonical texts of the two families differ by the colon. */
export function familyOf(text: string): Address['family'] {
  return text.includes(':') ? 6 : 4;
}

/** The one text of an address (RFC 5952), which frames are compared with; undefined for what is no address. */
export function canonical(text: string): string | undefined {
  const address = tryParseAddress(text);
  return address === undefined ? undefined : formatAddress(address);
}
