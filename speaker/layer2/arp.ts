import {
  BROADCAST_MAC,
  decodeEthernet,
  ETHERNET_HEADER,
  ETHERTYPE_ARP,
  encodeEthernet,
  type Mac,
  readMac,
  writeMac,
  ZERO_MAC,
} from './ethernet.ts';
import { readIpv4, writeAddress } from './octets.ts';

export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

/** One ARP packet for IPv4 over Ethernet with the addresses of the frame that carries it (RFC 826; names of RFC 5227 §1.1). */
export interface ArpPacket {
  destination: Mac;
  source: Mac;
  /** 1 request, 2 reply. */
  operation: number;
  senderMac: Mac;
  senderIp: string;
  targetMac: Mac;
  targetIp: string;
}

/** Why a frame is not an ARP packet for us. Counted, never logged one by one: the wire is hostile. */
export type ArpFault = 'short' | 'not-arp' | 'not-ipv4-over-ethernet' | 'bad-operation';

const ARP_LENGTH = 28;

/**
 * Reads a whole frame, padding allowed. The Ethernet source may differ from the sender hardware address: bridging Wi-Fi
 * clients and proxies do that, and RFC 826 answers to the latter.
 */
export function decodeArp(frame: Uint8Array): ArpPacket | ArpFault {
  if (frame.length < ETHERNET_HEADER + ARP_LENGTH) return 'short';
  const ethernet = decodeEthernet(frame);
  if (ethernet?.etherType !== ETHERTYPE_ARP) return 'not-arp';
  const at = ETHERNET_HEADER;
  const hardware = ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);
  const protocol = ((frame[at + 2] ?? 0) << 8) | (frame[at + 3] ?? 0);
  if (hardware !== 1 || protocol !== 0x0800 || frame[at + 4] !== 6 || frame[at + 5] !== 4) return 'not-ipv4-over-ethernet';
  const operation = ((frame[at + 6] ?? 0) << 8) | (frame[at + 7] ?? 0);
  if (operation !== ARP_REQUEST && operation !== ARP_REPLY) return 'bad-operation';
  return {
    destination: ethernet.destination,
    source: ethernet.source,
    operation,
    senderMac: readMac(frame, at + 8),
    senderIp: readIpv4(frame, at + 14),
    targetMac: readMac(frame, at + 18),
    targetIp: readIpv4(frame, at + 24),
  };
}

/** 42 octets; the NIC pads to the Ethernet minimum. */
export function encodeArp(packet: ArpPacket): Buffer {
  const frame = Buffer.alloc(ETHERNET_HEADER + ARP_LENGTH);
  encodeEthernet(frame, { destination: packet.destination, source: packet.source, etherType: ETHERTYPE_ARP });
  const at = ETHERNET_HEADER;
  frame.writeUInt16BE(1, at);
  frame.writeUInt16BE(0x0800, at + 2);
  frame[at + 4] = 6;
  frame[at + 5] = 4;
  frame.writeUInt16BE(packet.operation, at + 6);
  writeMac(frame, at + 8, packet.senderMac);
  writeAddress(frame, at + 14, packet.senderIp);
  writeMac(frame, at + 18, packet.targetMac);
  writeAddress(frame, at + 24, packet.targetIp);
  return frame;
}

/** The answer to `request`: `mac` has its target address. `source` is the MAC of the interface it leaves by. */
export function arpReply(request: ArpPacket, mac: Mac, source: Mac): ArpPacket {
  return {
    destination: request.senderMac,
    source,
    operation: ARP_REPLY,
    senderMac: mac,
    senderIp: request.targetIp,
    targetMac: request.senderMac,
    targetIp: request.senderIp,
  };
}

/**
 * ARP announcement (RFC 5227 §3): a *request* with sender = target = the address. Replies do the same on few devices only:
 * Linux ignores them for a second after an update, Junos always.
 */
export function gratuitousArp(ip: string, mac: Mac): ArpPacket {
  return {
    destination: BROADCAST_MAC,
    source: mac,
    operation: ARP_REQUEST,
    senderMac: mac,
    senderIp: ip,
    targetMac: ZERO_MAC,
    targetIp: ip,
  };
}

/** Asks `neighbour` for its own address, from ours: it learns our MAC at once and its reply confirms that it did. */
export function directedArp(ip: string, mac: Mac, neighbour: { ip: string; mac?: Mac | undefined }): ArpPacket {
  return {
    destination: neighbour.mac ?? BROADCAST_MAC,
    source: mac,
    operation: ARP_REQUEST,
    senderMac: mac,
    senderIp: ip,
    targetMac: ZERO_MAC,
    targetIp: neighbour.ip,
  };
}

/** ARP probe (RFC 5227 §2.1.1): sender address zero, so that no cache changes. */
export function arpProbe(ip: string, mac: Mac): ArpPacket {
  return directedArp('0.0.0.0', mac, { ip });
}
