import { createHmac, timingSafeEqual } from 'node:crypto';
import { parseAddress } from '../codec/address.ts';
import { internetChecksum, pseudoHeader } from '../internet-checksum.ts';

/** RFC 5881 §4. */
export const ECHO_PORT = 3785;
/** Sent with 255; the peer's forwarding takes one. Anything else has come from further away. */
const SENT_TTL = 255;
const RETURNED_TTL = 254;
const ETHERNET = 14;
const UDP = 17;
const UDP_HEADER = 8;
/** Network control. */
const CS6 = 0xc0;
/** Magic, discriminator and sequence number, before the authentication code. */
const SIGNED = 16;
const CODE = 16;
const PAYLOAD = SIGNED + CODE;
const MAGIC = 0x62666465;
const ETHER_TYPES = { 4: 0x0800, 6: 0x86dd } as const;
const IP_HEADERS = { 4: 20, 6: 40 } as const;

/** Which echo packet it is. */
export interface EchoId {
  /** Of our session. */
  readonly discriminator: number;
  readonly sequence: number;
}

export interface EchoPath {
  /** 6 octets each. */
  readonly ownMac: Uint8Array;
  readonly peerMac: Uint8Array;
  /** Source and destination at once: the peer's forwarding sends the packet back to us. */
  readonly ownAddress: string;
}

function code(signed: Uint8Array, key: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(signed).digest().subarray(0, CODE);
}

function payload({ discriminator, sequence }: EchoId, key: Uint8Array): Uint8Array {
  const out = new Uint8Array(PAYLOAD);
  const view = new DataView(out.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, discriminator);
  view.setBigUint64(8, BigInt(sequence));
  out.set(code(out.subarray(0, SIGNED), key), SIGNED);
  return out;
}

function ipHeader(address: Uint8Array, length: number): Uint8Array {
  const header = new Uint8Array(address.length === 4 ? IP_HEADERS[4] : IP_HEADERS[6]);
  const view = new DataView(header.buffer);
  if (address.length === 4) {
    header.set([0x45, CS6]);
    view.setUint16(2, header.length + length);
    // Don't fragment.
    view.setUint16(6, 0x4000);
    header.set([SENT_TTL, UDP], 8);
    header.set(address, 12);
    header.set(address, 16);
    view.setUint16(10, internetChecksum(header));
  } else {
    view.setUint32(0, 0x6000_0000 | (CS6 << 20));
    view.setUint16(4, length);
    header.set([UDP, SENT_TTL], 6);
    header.set(address, 8);
    header.set(address, 24);
  }
  return header;
}

/** An echo packet as an Ethernet frame: to the peer by its link-layer address, to ourselves by the IP address (RFC 5881 §4). */
export function encodeEchoFrame({ ownMac, peerMac, ownAddress }: EchoPath, id: EchoId, key: Uint8Array): Uint8Array {
  const address = parseAddress(ownAddress);
  const udp = new Uint8Array(UDP_HEADER + PAYLOAD);
  const view = new DataView(udp.buffer);
  view.setUint16(0, ECHO_PORT);
  view.setUint16(2, ECHO_PORT);
  view.setUint16(4, udp.length);
  udp.set(payload(id, key), UDP_HEADER);
  // RFC 768: 0 means none.
  view.setUint16(6, internetChecksum(pseudoHeader(address, address, udp.length, UDP), udp) || 0xffff);
  const header = ipHeader(address, udp.length);
  const frame = new Uint8Array(ETHERNET + header.length + udp.length);
  frame.set(peerMac);
  frame.set(ownMac, 6);
  new DataView(frame.buffer).setUint16(12, ETHER_TYPES[address.length === 4 ? 4 : 6]);
  frame.set(header, ETHERNET);
  frame.set(udp, ETHERNET + header.length);
  return frame;
}

/**
 * One of our echo packets that has come back by exactly one hop; undefined for anything else. The authentication code makes it worthless to
 * guess: who is not on the link cannot keep a broken path up. Never throws.
 */
export function decodeEchoFrame(frame: Uint8Array, key: Uint8Array): EchoId | undefined {
  const family = frame[ETHERNET] === 0x45 ? 4 : 6;
  const udp = ETHERNET + IP_HEADERS[family];
  if (frame.length < udp + UDP_HEADER + PAYLOAD) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const [ttl, protocol] = family === 4 ? [frame[ETHERNET + 8], frame[ETHERNET + 9]] : [frame[ETHERNET + 7], frame[ETHERNET + 6]];
  if (view.getUint16(12) !== ETHER_TYPES[family] || (frame[ETHERNET] ?? 0) >>> 4 !== family) return undefined;
  if (ttl !== RETURNED_TTL || protocol !== UDP || view.getUint16(udp + 2) !== ECHO_PORT) return undefined;
  const body = frame.subarray(udp + UDP_HEADER, udp + UDP_HEADER + PAYLOAD);
  if (view.getUint32(udp + UDP_HEADER) !== MAGIC) return undefined;
  if (!timingSafeEqual(code(body.subarray(0, SIGNED), key), body.subarray(SIGNED))) return undefined;
  return { discriminator: view.getUint32(udp + UDP_HEADER + 4), sequence: Number(view.getBigUint64(udp + UDP_HEADER + 8)) };
}
