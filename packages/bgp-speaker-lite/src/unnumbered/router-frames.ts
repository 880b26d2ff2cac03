import { formatAddress, isLinkLocal } from '../codec/address.ts';
import { internetChecksum, pseudoHeader } from '../internet-checksum.ts';

/** What one end of a link needs to speak on it. */
export interface LinkIdentity {
  /** 6 octets. */
  readonly mac: Uint8Array;
  /** Our link-local address, 16 octets. */
  readonly linkLocal: Uint8Array;
}

const ETHER_TYPE_IPV6 = 0x86dd;
const ICMPV6 = 58;
const HOP_LIMIT = 255;
const ROUTER_SOLICITATION = 133;
const ROUTER_ADVERTISEMENT = 134;
const ETHERNET = 14;
const HEADERS = ETHERNET + 40;
/** ff02::1 and ff02::2. */
const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
/** Source link-layer address (RFC 4861 §4.6.1), one unit of 8 octets. */
const SOURCE_LINK_LAYER = [1, 1];

function checksum(source: Uint8Array, destination: Uint8Array, message: Uint8Array): number {
  return internetChecksum(pseudoHeader(source, destination, message.length, ICMPV6), message);
}

function frame({ mac, linkLocal }: LinkIdentity, destination: Uint8Array, message: Uint8Array): Uint8Array {
  const out = new Uint8Array(HEADERS + message.length);
  const view = new DataView(out.buffer);
  out.set([0x33, 0x33, ...destination.subarray(12)]);
  out.set(mac, 6);
  view.setUint16(12, ETHER_TYPE_IPV6);
  // Traffic class CS6: network control.
  view.setUint32(ETHERNET, 0x6c00_0000);
  view.setUint16(ETHERNET + 4, message.length);
  out[ETHERNET + 6] = ICMPV6;
  out[ETHERNET + 7] = HOP_LIMIT;
  out.set(linkLocal, ETHERNET + 8);
  out.set(destination, ETHERNET + 24);
  out.set(message, HEADERS);
  view.setUint16(HEADERS + 2, checksum(linkLocal, destination, message));
  return out;
}

/**
 * A Router Advertisement (RFC 4861 §4.2) with lifetime 0: it tells our link-local address and makes us nobody's default router.
 * Routers that peer unnumbered learn from it whom to connect to.
 */
export function encodeRouterAdvertisement(identity: LinkIdentity): Uint8Array {
  const message = new Uint8Array(24);
  message[0] = ROUTER_ADVERTISEMENT;
  message.set([...SOURCE_LINK_LAYER, ...identity.mac], 16);
  return frame(identity, ALL_NODES, message);
}

/** A Router Solicitation (RFC 4861 §4.1): asks the router to advertise itself now. */
export function encodeRouterSolicitation(identity: LinkIdentity): Uint8Array {
  const message = new Uint8Array(16);
  message[0] = ROUTER_SOLICITATION;
  message.set([...SOURCE_LINK_LAYER, ...identity.mac], 8);
  return frame(identity, ALL_ROUTERS, message);
}

/** What a frame says: a router's link-local address, or that somebody asks for advertisements. */
export type RouterFrame = { readonly kind: 'advertisement'; readonly router: string } | { readonly kind: 'solicitation' };

/** Reads a frame with the checks of RFC 4861 §6.1; undefined for anything else. Never throws. */
export function decodeRouterFrame(bytes: Uint8Array): RouterFrame | undefined {
  if (bytes.length < HEADERS + 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint16(12) !== ETHER_TYPE_IPV6 || bytes[ETHERNET + 6] !== ICMPV6 || bytes[ETHERNET + 7] !== HOP_LIMIT) return undefined;
  const length = view.getUint16(ETHERNET + 4);
  if (length < 8 || HEADERS + length > bytes.length) return undefined;
  const message = bytes.subarray(HEADERS, HEADERS + length);
  const source = bytes.subarray(ETHERNET + 8, ETHERNET + 24);
  // A message with its checksum in place sums up to zero.
  if (message[1] !== 0 || checksum(source, bytes.subarray(ETHERNET + 24, ETHERNET + 40), message) !== 0) return undefined;
  if (message[0] === ROUTER_SOLICITATION) return { kind: 'solicitation' };
  if (message[0] !== ROUTER_ADVERTISEMENT || length < 16 || !isLinkLocal(source)) return undefined;
  return { kind: 'advertisement', router: formatAddress(source) };
}
