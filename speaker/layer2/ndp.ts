import { ETHERNET_HEADER, ETHERTYPE_IPV6, encodeEthernet, isGroupMac, type Mac, readMac, writeMac } from './ethernet.ts';
import { readIpv6, writeAddress } from './octets.ts';

export const NEIGHBOUR_SOLICITATION = 135;
export const NEIGHBOUR_ADVERTISEMENT = 136;
export const UNSPECIFIED = '::';
export const ALL_NODES = 'ff02::1';
export const ALL_ROUTERS = 'ff02::2';

const IPV6_HEADER = 40;
const ICMPV6 = 58;
/** Type, code, checksum, flags or reserved, target (RFC 4861 §4.3, §4.4). */
const NDP_FIXED = 24;
const ICMP_AT = ETHERNET_HEADER + IPV6_HEADER;

interface NdpFrame {
  destination: Mac;
  source: Mac;
  sourceIp: string;
  destinationIp: string;
  target: string;
}

/** RFC 4861 §4.3. */
export interface NeighbourSolicitation extends NdpFrame {
  type: typeof NEIGHBOUR_SOLICITATION;
  /** Source link-layer address option; absent in duplicate address detection. */
  linkLayer?: Mac;
  /** RFC 3971 §5.3.2 nonce, as RFC 7527 uses it against looped-back detection; opaque. */
  nonce?: Uint8Array;
}

/** RFC 4861 §4.4. */
export interface NeighbourAdvertisement extends NdpFrame {
  type: typeof NEIGHBOUR_ADVERTISEMENT;
  router: boolean;
  solicited: boolean;
  override: boolean;
  /** Target link-layer address option. */
  linkLayer?: Mac;
}

export type NdpPacket = NeighbourSolicitation | NeighbourAdvertisement;

/** Why a frame is no valid neighbour discovery message (RFC 4861 §7.1). */
export type NdpFault =
  | 'short'
  | 'not-ndp'
  | 'hop-limit'
  | 'code'
  | 'length'
  | 'checksum'
  | 'target'
  | 'option'
  | 'unspecified-source'
  | 'multicast-source'
  | 'solicited-multicast';

/** Reads a whole frame and makes every check of RFC 4861 §7.1.1 and §7.1.2. */
export function decodeNdp(frame: Uint8Array): NdpPacket | NdpFault {
  if (frame.length < ICMP_AT + NDP_FIXED) return 'short';
  if (frame[12] !== ETHERTYPE_IPV6 >> 8 || frame[13] !== (ETHERTYPE_IPV6 & 0xff)) return 'not-ndp';
  const ip = ETHERNET_HEADER;
  if ((frame[ip] ?? 0) >> 4 !== 6 || frame[ip + 6] !== ICMPV6) return 'not-ndp';
  const type = frame[ICMP_AT];
  if (type !== NEIGHBOUR_SOLICITATION && type !== NEIGHBOUR_ADVERTISEMENT) return 'not-ndp';
  if (frame[ip + 7] !== 255) return 'hop-limit';
  if (frame[ICMP_AT + 1] !== 0) return 'code';
  const length = ((frame[ip + 4] ?? 0) << 8) | (frame[ip + 5] ?? 0);
  if (length < NDP_FIXED || frame.length < ICMP_AT + length) return 'length';
  if (icmpChecksum(frame, length) !== 0) return 'checksum';
  const target = readIpv6(frame, ICMP_AT + 8);
  if (frame[ICMP_AT + 8] === 0xff || target === UNSPECIFIED) return 'target';
  const options = readOptions(frame, ICMP_AT + NDP_FIXED, ICMP_AT + length);
  if (options === undefined) return 'option';
  const head: NdpFrame = {
    destination: readMac(frame, 0),
    source: readMac(frame, 6),
    sourceIp: readIpv6(frame, ip + 8),
    destinationIp: readIpv6(frame, ip + 24),
    target,
  };
  // RFC 4291 §2.7: an answer to a group would go to everybody who has joined it.
  if (frame[ip + 8] === 0xff) return 'multicast-source';
  const multicast = frame[ip + 24] === 0xff;
  if (type === NEIGHBOUR_ADVERTISEMENT) {
    const flags = frame[ICMP_AT + 4] ?? 0;
    const solicited = (flags & 0x40) !== 0;
    if (multicast && solicited) return 'solicited-multicast';
    return {
      ...head,
      type,
      router: (flags & 0x80) !== 0,
      solicited,
      override: (flags & 0x20) !== 0,
      ...(options.target !== undefined && { linkLayer: options.target }),
    };
  }
  if (head.sourceIp === UNSPECIFIED && (options.source !== undefined || head.destinationIp !== solicitedNode(target)))
    return 'unspecified-source';
  return {
    ...head,
    type,
    ...(options.source !== undefined && { linkLayer: options.source }),
    ...(options.nonce !== undefined && { nonce: options.nonce }),
  };
}

/** One frame; the link-layer option is written when `linkLayer` is set. */
export function encodeNdp(packet: NdpPacket): Buffer {
  const nonce = packet.type === NEIGHBOUR_SOLICITATION ? packet.nonce : undefined;
  const nonceLength = nonce === undefined ? 0 : Math.ceil((nonce.length + 2) / 8) * 8;
  const length = NDP_FIXED + (packet.linkLayer === undefined ? 0 : 8) + nonceLength;
  const frame = Buffer.alloc(ICMP_AT + length);
  encodeEthernet(frame, { destination: packet.destination, source: packet.source, etherType: ETHERTYPE_IPV6 });
  const ip = ETHERNET_HEADER;
  frame[ip] = 0x60;
  frame.writeUInt16BE(length, ip + 4);
  frame[ip + 6] = ICMPV6;
  frame[ip + 7] = 255;
  writeAddress(frame, ip + 8, packet.sourceIp);
  writeAddress(frame, ip + 24, packet.destinationIp);
  frame[ICMP_AT] = packet.type;
  if (packet.type === NEIGHBOUR_ADVERTISEMENT) {
    frame[ICMP_AT + 4] = (packet.router ? 0x80 : 0) | (packet.solicited ? 0x40 : 0) | (packet.override ? 0x20 : 0);
  }
  writeAddress(frame, ICMP_AT + 8, packet.target);
  let at = ICMP_AT + NDP_FIXED;
  if (packet.linkLayer !== undefined) {
    frame[at] = packet.type === NEIGHBOUR_SOLICITATION ? 1 : 2;
    frame[at + 1] = 1;
    writeMac(frame, at + 2, packet.linkLayer);
    at += 8;
  }
  if (nonce !== undefined) {
    frame[at] = 14;
    frame[at + 1] = nonceLength / 8;
    frame.set(nonce, at + 2);
  }
  frame.writeUInt16BE(icmpChecksum(frame, length), ICMP_AT + 2);
  return frame;
}

/**
 * The answer to `request` (RFC 4861 §7.2.4): to the asker with S=1, or to all nodes with S=0 when the asker has no address yet.
 * O=1, so that a second answer can repair a wrong cache entry. R=0: a service address is no router.
 */
export function solicitedAdvertisement(request: NeighbourSolicitation, mac: Mac, source: Mac): NeighbourAdvertisement {
  const detection = request.sourceIp === UNSPECIFIED;
  return {
    type: NEIGHBOUR_ADVERTISEMENT,
    destination: detection ? multicastMac(ALL_NODES) : (request.linkLayer ?? request.source),
    source,
    sourceIp: request.target,
    destinationIp: detection ? ALL_NODES : request.sourceIp,
    target: request.target,
    router: false,
    solicited: !detection,
    override: true,
    linkLayer: mac,
  };
}

/** Unsolicited advertisement (RFC 4861 §7.2.6); to the routers' group it also makes them create an entry (RFC 9131). */
export function unsolicitedAdvertisement(ip: string, mac: Mac, group: typeof ALL_NODES | typeof ALL_ROUTERS): NeighbourAdvertisement {
  return {
    type: NEIGHBOUR_ADVERTISEMENT,
    destination: multicastMac(group),
    source: mac,
    sourceIp: ip,
    destinationIp: group,
    target: ip,
    router: false,
    solicited: false,
    override: true,
    linkLayer: mac,
  };
}

/** Asks `neighbour` for its own address, from ours: its cache takes our MAC, and its solicited answer confirms that. */
export function directedSolicitation(ip: string, mac: Mac, neighbour: { ip: string; mac?: Mac | undefined }): NeighbourSolicitation {
  const group = solicitedNode(neighbour.ip);
  return {
    type: NEIGHBOUR_SOLICITATION,
    destination: neighbour.mac ?? multicastMac(group),
    source: mac,
    sourceIp: ip,
    destinationIp: neighbour.mac === undefined ? group : neighbour.ip,
    target: neighbour.ip,
    linkLayer: mac,
  };
}

/** Duplicate address detection (RFC 4862 §5.4.2): from the unspecified address, without a link-layer option. */
export function detectionSolicitation(ip: string, mac: Mac): NeighbourSolicitation {
  const group = solicitedNode(ip);
  return {
    type: NEIGHBOUR_SOLICITATION,
    destination: multicastMac(group),
    source: mac,
    sourceIp: UNSPECIFIED,
    destinationIp: group,
    target: ip,
  };
}

/** `ff02::1:ffXX:XXXX` (RFC 4291 §2.7.1). */
export function solicitedNode(ip: string): string {
  const octets = new Uint8Array(16);
  writeAddress(octets, 0, ip);
  octets.set([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff], 0);
  return readIpv6(octets, 0);
}

/** `33:33:` and the last four octets of the group (RFC 2464 §7). */
export function multicastMac(group: string): Mac {
  const octets = new Uint8Array(16);
  writeAddress(octets, 0, group);
  octets.set([0x33, 0x33], 10);
  return readMac(octets, 10);
}

interface NdpOptions {
  source?: Mac;
  target?: Mac;
  nonce?: Uint8Array;
}

/** undefined when an option has length zero or runs over the end (RFC 4861 §4.6: the packet is discarded). */
function readOptions(frame: Uint8Array, from: number, end: number): NdpOptions | undefined {
  const options: NdpOptions = {};
  for (let at = from; at < end; ) {
    const length = (frame[at + 1] ?? 0) * 8;
    if (length === 0 || at + length > end) return undefined;
    const type = frame[at];
    if (type === 1 || type === 2) {
      const mac = readMac(frame, at + 2);
      if (length !== 8 || isGroupMac(mac)) return undefined;
      if (type === 1) options.source = mac;
      else options.target = mac;
    } else if (type === 14) options.nonce = Uint8Array.from(frame.subarray(at + 2, at + length));
    at += length;
  }
  return options;
}

/** A copy whose checksum is right, as far as there is one: for tests that want to get behind it. */
export function repairChecksum(frame: Uint8Array): Buffer {
  const copy = Buffer.from(frame);
  if (copy.length < ICMP_AT + NDP_FIXED) return copy;
  const length = Math.min(copy.readUInt16BE(ETHERNET_HEADER + 4), copy.length - ICMP_AT);
  copy.writeUInt16BE(0, ICMP_AT + 2);
  copy.writeUInt16BE(icmpChecksum(copy, length), ICMP_AT + 2);
  return copy;
}

/** RFC 4443 §2.3 over pseudo-header and message; zero when a received message is sound. */
function icmpChecksum(frame: Uint8Array, length: number): number {
  let sum = length + ICMPV6;
  for (let at = ETHERNET_HEADER + 8; at < ICMP_AT + length; at += 2) {
    const last = at + 1 >= ICMP_AT + length;
    sum += ((frame[at] ?? 0) << 8) | (last ? 0 : (frame[at + 1] ?? 0));
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
