import { tryParseAddress } from '../codec/address.ts';
import { AS_TRANS } from '../codec/capability/four-octet-as.ts';
import { BgpError } from '../errors.ts';

/** Well-known communities (IANA "BGP Well-known Communities") by the names routers print. */
export const WELL_KNOWN_COMMUNITIES: Readonly<Record<string, number>> = {
  'graceful-shutdown': 0xffff_0000,
  'accept-own': 0xffff_0001,
  'llgr-stale': 0xffff_0006,
  'no-llgr': 0xffff_0007,
  blackhole: 0xffff_029a,
  'no-export': 0xffff_ff01,
  'no-advertise': 0xffff_ff02,
  'no-export-subconfed': 0xffff_ff03,
  'no-peer': 0xffff_ff04,
};

const U16 = 0xffff;
const U32 = 0xffff_ffff;

function numbers(text: string, count: number, max: number): number[] | undefined {
  const parts = text.split(':');
  if (parts.length !== count || !parts.every(part => /^(0|[1-9]\d{0,9})$/.test(part))) return undefined;
  const values = parts.map(Number);
  return values.every(value => value <= max) ? values : undefined;
}

function bad(kind: string, text: string, form: string): BgpError {
  return new BgpError('BGP_BAD_ROUTE', `${kind} ${JSON.stringify(text)} must be written ${form}`);
}

/** A community (RFC 1997): `65001:100`, or the name of a well-known one. */
export function parseCommunity(text: string): number {
  const named = Object.hasOwn(WELL_KNOWN_COMMUNITIES, text.toLowerCase()) ? WELL_KNOWN_COMMUNITIES[text.toLowerCase()] : undefined;
  if (named !== undefined) return named;
  const [high, low] = numbers(text, 2, U16) ?? [];
  if (high === undefined || low === undefined) throw bad('community', text, 'as two numbers up to 65535 (65001:100) or a well-known name');
  return high * 0x1_0000 + low;
}

/** A large community (RFC 8092): `4200000001:1:2`. */
export function parseLargeCommunity(text: string): [number, number, number] {
  const values = numbers(text, 3, U32);
  if (!values) throw bad('large community', text, 'as three numbers up to 4294967295 (4200000001:1:2)');
  return values as [number, number, number];
}

const TWO_OCTET_AS = 0x00;
const IPV4_ADDRESS = 0x01;
const FOUR_OCTET_AS = 0x02;
const SUBTYPES: Readonly<Record<string, number>> = { rt: 0x02, soo: 0x03 };

/**
 * An extended community (RFC 4360, RFC 5668): `rt:65001:100`, `soo:192.0.2.1:7`, `rt:4200000001:9`,
 * or any other as 16 hexadecimal digits: `0x4004fde800000000`.
 */
export function parseExtendedCommunity(text: string): bigint {
  if (/^0x[0-9a-f]{16}$/i.test(text)) return BigInt(text);
  const [, name = '', administrator = '', assigned = ''] = /^(\w+):([^:]+):(\d{1,10})$/.exec(text) ?? [];
  const subtype = Object.hasOwn(SUBTYPES, name) ? SUBTYPES[name] : undefined;
  const value = Number(assigned);
  const pack = (type: number, admin: number, adminBits: bigint) =>
    (BigInt(type) << 56n) | (BigInt(subtype ?? 0) << 48n) | (BigInt(admin) << (48n - adminBits)) | BigInt(value);
  if (subtype !== undefined && assigned !== '') {
    const address = administrator.includes('.') ? tryParseAddress(administrator) : undefined;
    const asn = /^(0|[1-9]\d{0,9})$/.test(administrator) ? Number(administrator) : Number.NaN;
    if (address && value <= U16) return pack(IPV4_ADDRESS, new DataView(address.buffer, address.byteOffset).getUint32(0), 32n);
    if (asn <= U16 && value <= U32) return pack(TWO_OCTET_AS, asn, 16n);
    if (asn <= U32 && value <= U16) return pack(FOUR_OCTET_AS, asn, 32n);
  }
  throw bad(
    'extended community',
    text,
    'as rt:ASN:NUMBER, soo:ASN:NUMBER, with an IPv4 address for the ASN, or as 0x and 16 hexadecimal digits',
  );
}

/** Link bandwidth (draft-ietf-idr-link-bandwidth): non-transitive, the sender's AS in two octets, octets per second as float32. */
export function linkBandwidthCommunity(asn: number, octetsPerSecond: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint16(0, 0x4004);
  view.setUint16(2, asn > U16 ? AS_TRANS : asn);
  view.setFloat32(4, octetsPerSecond);
  return view.getBigUint64(0);
}
