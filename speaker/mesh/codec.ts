import { addressFromBytes, formatAddress } from '@herald/ip';
import { type Mac, readMac, writeMac } from '../layer2/ethernet.ts';
import { familyOf, writeAddress } from '../layer2/octets.ts';
import { type Claim, PACKET_TYPES, type Packet, type PacketType, type Vip } from './packet.ts';

/** "LBL2" */
const MAGIC = 0x4c424c32;
const VERSION = 1;
const HEADER = 84;
/** HMAC-SHA-256-128 at the end (`authentication.ts`). */
export const MAC_LENGTH = 16;
export const PACKET_LIMIT = 1_200;

const FLAG = { ready: 1, draining: 2, uplinkOk: 4, fast: 8, listening: 16, complete: 32, persistent: 64, restarting: 128 };
/** 3 is taken: speakers of before knew it as addresses that a node cannot take. */
const TLV = { claim: 1, released: 2, name: 4, macs: 5, part: 6, drain: 7, withheld: 8, withheldDigest: 9 };
const CLAIM_LENGTH = 21;
const NAME_LIMIT = 253;
const MAC_LIMIT = 8;
const TYPE_NAMES = new Map<number, PacketType>(Object.entries(PACKET_TYPES).map(([name, number]) => [number, name as PacketType]));

/** Which mesh a packet belongs to: cluster and segment, and the key it is signed with. */
export interface Envelope {
  /** First 8 octets of SHA-256 over the UID of the namespace kube-system. */
  clusterId: bigint;
  segmentId: bigint;
  keyId: number;
}

export type PacketFault = 'short' | 'long' | 'magic' | 'version' | 'type' | 'truncated' | 'element';

/**
 * Everything but the MAC, big endian:
 *
 *     0 u32 magic   4 u8 version   5 u8 type   6 u8 flags   7 u8 keyId
 *     8 u64 clusterId   16 u64 segmentId   24 u64 nodeId
 *    32 u64 myNonce     40 u64 yourNonce   48 u64 seq
 *    56 u16 interval   58 u8 multiplier   59 u8 newestKey   60 u32 reserved
 *    64 u64 claimsVersion   72 u64 claimsDigest   80 u32 reserved
 *    84 elements: u8 type, u8 reserved, u16 length, value
 *
 * Which claims are withheld is an element of its own, one bit for each claim, lowest first: speakers that do not know it still read the claims.
 */
export function encodePacket(packet: Packet, envelope: Envelope): Buffer {
  const octets = Buffer.alloc(PACKET_LIMIT);
  octets.writeUInt32BE(MAGIC, 0);
  octets[4] = VERSION;
  octets[5] = PACKET_TYPES[packet.type];
  octets[6] = flagsOf(packet);
  octets[7] = envelope.keyId;
  octets.writeBigUInt64BE(envelope.clusterId, 8);
  octets.writeBigUInt64BE(envelope.segmentId, 16);
  octets.write(packet.sender, 24, 8, 'hex');
  octets.writeBigUInt64BE(packet.nonce, 32);
  octets.writeBigUInt64BE(packet.yourNonce, 40);
  octets.writeBigUInt64BE(BigInt(packet.seq), 48);
  octets.writeUInt16BE(packet.interval, 56);
  octets[58] = packet.multiplier;
  octets[59] = packet.newestKey;
  octets.writeBigUInt64BE(BigInt(packet.claimsVersion), 64);
  octets.writeBigUInt64BE(packet.claimsDigest, 72);
  let at = HEADER;
  const element = (type: number, length: number): number => {
    octets[at] = type;
    octets.writeUInt16BE(length, at + 2);
    at += 4 + length;
    return at - length;
  };
  if (packet.claims.length > 0) {
    let value = element(TLV.claim, packet.claims.length * CLAIM_LENGTH);
    for (const claim of packet.claims) {
      writeVip(octets, value, claim.vip);
      octets.writeUInt32BE(claim.epoch, value + 16);
      octets[value + 20] = claim.rank;
      value += CLAIM_LENGTH;
    }
  }
  if (packet.claims.some(claim => claim.withheld)) {
    const bits = element(TLV.withheld, Math.ceil(packet.claims.length / 8));
    for (const [index, { withheld }] of packet.claims.entries())
      if (withheld) octets[bits + (index >> 3)] = (octets[bits + (index >> 3)] ?? 0) | (1 << (index & 7));
  }
  if (packet.withheldDigest !== 0n) octets.writeBigUInt64BE(packet.withheldDigest, element(TLV.withheldDigest, 8));
  if (packet.released.length > 0) {
    const value = element(TLV.released, packet.released.length * 16);
    for (const [index, vip] of packet.released.entries()) writeVip(octets, value + index * 16, vip);
  }
  const part = element(TLV.part, 4);
  octets.writeUInt16BE(packet.part.index, part);
  octets.writeUInt16BE(packet.part.count, part + 2);
  if (packet.drain > 0) octets.writeUInt32BE(packet.drain, element(TLV.drain, 4));
  const room = PACKET_LIMIT - MAC_LENGTH - at - 8;
  const macs = packet.macs.slice(0, Math.min(MAC_LIMIT, Math.floor(room / 6)));
  const value = element(TLV.macs, macs.length * 6);
  for (const [index, mac] of macs.entries()) writeMac(octets, value + index * 6, mac);
  const name = Buffer.from(packet.name);
  if (name.length <= Math.min(NAME_LIMIT, PACKET_LIMIT - MAC_LENGTH - at - 4)) name.copy(octets, element(TLV.name, name.length));
  return octets.subarray(0, at);
}

/** Reads what `encodePacket` wrote; the MAC has been checked and cut off. Never throws. */
export function decodePacket(octets: Buffer): { packet: Packet; envelope: Envelope } | PacketFault {
  const envelope = readEnvelope(octets);
  if (typeof envelope === 'string') return envelope;
  const type = TYPE_NAMES.get(octets[5] ?? 0);
  if (type === undefined) return 'type';
  const flags = octets[6] ?? 0;
  const elements = readElements(octets);
  if (typeof elements === 'string') return elements;
  const packet: Packet = {
    type,
    flags: {
      ready: (flags & FLAG.ready) !== 0,
      draining: (flags & FLAG.draining) !== 0,
      uplinkOk: (flags & FLAG.uplinkOk) !== 0,
      fast: (flags & FLAG.fast) !== 0,
      listening: (flags & FLAG.listening) !== 0,
      persistent: (flags & FLAG.persistent) !== 0,
      restarting: (flags & FLAG.restarting) !== 0,
    },
    sender: octets.toString('hex', 24, 32),
    nonce: octets.readBigUInt64BE(32),
    yourNonce: octets.readBigUInt64BE(40),
    seq: Number(octets.readBigUInt64BE(48)),
    interval: octets.readUInt16BE(56),
    multiplier: octets[58] ?? 0,
    newestKey: octets[59] ?? 0,
    claimsVersion: Number(octets.readBigUInt64BE(64)),
    claimsDigest: octets.readBigUInt64BE(72),
    complete: (flags & FLAG.complete) !== 0,
    ...elements,
  };
  return { packet, envelope };
}

/** The part of the header that says whether the packet is for us, before any key is tried. */
export function readEnvelope(octets: Buffer): Envelope | PacketFault {
  if (octets.length < HEADER) return 'short';
  if (octets.length > PACKET_LIMIT) return 'long';
  if (octets.readUInt32BE(0) !== MAGIC) return 'magic';
  if (octets[4] !== VERSION) return 'version';
  return { clusterId: octets.readBigUInt64BE(8), segmentId: octets.readBigUInt64BE(16), keyId: octets[7] ?? 0 };
}

function flagsOf(packet: Packet): number {
  const { flags } = packet;
  return (
    (flags.ready ? FLAG.ready : 0) |
    (flags.draining ? FLAG.draining : 0) |
    (flags.uplinkOk ? FLAG.uplinkOk : 0) |
    (flags.fast ? FLAG.fast : 0) |
    (flags.listening ? FLAG.listening : 0) |
    (flags.persistent ? FLAG.persistent : 0) |
    (flags.restarting ? FLAG.restarting : 0) |
    (packet.complete ? FLAG.complete : 0)
  );
}

type Elements = Pick<Packet, 'claims' | 'withheldDigest' | 'released' | 'name' | 'macs' | 'drain' | 'part'>;

/** Elements of unknown types are skipped: a newer speaker may send them during a rolling upgrade. */
function readElements(octets: Buffer): Elements | PacketFault {
  const claims: Claim[] = [];
  const released: Vip[] = [];
  const macs: Mac[] = [];
  const part = { index: 0, count: 1 };
  let name = '';
  let drain = 0;
  let withheld = octets.subarray(0, 0);
  let withheldDigest = 0n;
  let next = HEADER;
  for (let at = HEADER; at < octets.length; at = next) {
    if (at + 4 > octets.length) return 'truncated';
    const value = at + 4;
    const length = octets.readUInt16BE(at + 2);
    next = value + length;
    if (next > octets.length) return 'truncated';
    switch (octets[at]) {
      case TLV.claim:
        if (length % CLAIM_LENGTH !== 0) return 'element';
        for (let from = value; from < next; from += CLAIM_LENGTH)
          claims.push({ vip: readVip(octets, from), epoch: octets.readUInt32BE(from + 16), rank: octets[from + 20] ?? 0 });
        break;
      case TLV.withheld:
        withheld = octets.subarray(value, next);
        break;
      case TLV.withheldDigest:
        if (length !== 8) return 'element';
        withheldDigest = octets.readBigUInt64BE(value);
        break;
      case TLV.released:
        if (length % 16 !== 0) return 'element';
        for (let from = value; from < next; from += 16) released.push(readVip(octets, from));
        break;
      case TLV.macs:
        if (length % 6 !== 0) return 'element';
        for (let from = value; from < next; from += 6) macs.push(readMac(octets, from));
        break;
      case TLV.name:
        if (length > NAME_LIMIT) return 'element';
        name = octets.toString('utf8', value, next);
        break;
      case TLV.drain:
        if (length !== 4) return 'element';
        drain = octets.readUInt32BE(value);
        break;
      case TLV.part:
        if (length !== 4) return 'element';
        part.index = octets.readUInt16BE(value);
        part.count = octets.readUInt16BE(value + 2);
        break;
      default:
    }
  }
  for (const [index, claim] of claims.entries()) if (((withheld[index >> 3] ?? 0) & (1 << (index & 7))) !== 0) claim.withheld = true;
  return { claims, withheldDigest, released, name, macs, drain, part };
}

/** IPv4 as `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2). */
function writeVip(octets: Buffer, at: number, vip: Vip): void {
  if (familyOf(vip) === 6) return writeAddress(octets, at, vip);
  octets[at + 10] = 0xff;
  octets[at + 11] = 0xff;
  writeAddress(octets, at + 12, vip);
}

function readVip(octets: Buffer, at: number): Vip {
  const mapped = octets.readUInt32BE(at) === 0 && octets.readUInt32BE(at + 4) === 0 && octets.readUInt32BE(at + 8) === 0xffff;
  return formatAddress(addressFromBytes(octets.subarray(mapped ? at + 12 : at, at + 16)));
}
