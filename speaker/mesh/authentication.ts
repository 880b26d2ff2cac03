import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { decodePacket, type Envelope, encodePacket, MAC_LENGTH, type PacketFault, readEnvelope } from './codec.ts';
import type { NodeId, Packet } from './packet.ts';

interface MeshKey {
  /** First octet of a hash of the key: the same on every node, and tells nothing about it. */
  id: number;
  key: Buffer;
}

/** The keys of a mesh, the newest first. Two while a key is rotated. */
export interface Keyring {
  clusterId: bigint;
  keys: readonly MeshKey[];
}

/** Why a datagram is not from our mesh; counted per reason. */
export type Rejection = PacketFault | 'cluster' | 'segment' | 'key' | 'signature';

/** @param secrets the shared secrets, the newest first; at least one */
export function keyring(secrets: readonly Uint8Array[], clusterUid: string): Keyring {
  const clusterId = createHash('sha256').update(clusterUid).digest().readBigUInt64BE(0);
  const keys = secrets.map(secret => {
    const key = Buffer.from(hkdfSync('sha256', secret, '', `l2-beacon${clusterId.toString(16).padStart(16, '0')}`, 32));
    return { id: createHash('sha256').update('key-id').update(key).digest()[0] ?? 0, key };
  });
  return { clusterId, keys };
}

/** Identity of a node in packets. */
export function nodeIdOf(name: string): NodeId {
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}

/** Identity of a segment: nodes on one LAN share a subnet, whatever their interfaces are called. */
export function segmentIdOf(subnet: string): bigint {
  return createHash('sha256').update(subnet).digest().readBigUInt64BE(0);
}

/**
 * Signs with the newest key once every peer has it, until then with the one before: rotation loses no beacon.
 */
export function seal(packet: Packet, ring: Keyring, segmentId: bigint, peersHaveNewest: boolean): Buffer {
  const signing = peersHaveNewest ? ring.keys[0] : (ring.keys[1] ?? ring.keys[0]);
  if (signing === undefined) throw new RangeError('a keyring holds at least one key');
  const body = encodePacket(packet, { clusterId: ring.clusterId, segmentId, keyId: signing.id });
  return Buffer.concat([body, sign(body, signing.key)]);
}

/** A packet of our mesh, and the segment that it says it belongs to. */
export interface Unsealed {
  packet: Packet;
  segmentId: bigint;
}

/** Checks cluster, segment and signature before anything else is read. */
export function unseal(octets: Buffer, ring: Keyring, segmentIds: readonly bigint[]): Unsealed | Rejection {
  if (octets.length < MAC_LENGTH) return 'short';
  const body = octets.subarray(0, octets.length - MAC_LENGTH);
  const envelope = readEnvelope(body);
  if (typeof envelope === 'string') return envelope;
  const refused = refusal(envelope, ring, segmentIds);
  if (refused !== undefined) return refused;
  const signature = octets.subarray(octets.length - MAC_LENGTH);
  const keys = ring.keys.filter(key => key.id === envelope.keyId);
  if (keys.length === 0) return 'key';
  if (!keys.some(({ key }) => timingSafeEqual(sign(body, key), signature))) return 'signature';
  const decoded = decodePacket(body);
  return typeof decoded === 'string' ? decoded : { packet: decoded.packet, segmentId: envelope.segmentId };
}

function refusal(envelope: Envelope, ring: Keyring, segmentIds: readonly bigint[]): Rejection | undefined {
  if (envelope.clusterId !== ring.clusterId) return 'cluster';
  return segmentIds.includes(envelope.segmentId) ? undefined : 'segment';
}

function sign(body: Buffer, key: Buffer): Buffer {
  return createHmac('sha256', key).update(body).digest().subarray(0, MAC_LENGTH);
}
