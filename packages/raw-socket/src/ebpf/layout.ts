import { RawSocketError } from '../error.ts';
import { formatIp, formatMac, parseIp, parseMac } from '../inet.ts';
import { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH, type MapShape } from './syscall.ts';

/**
 * Names the layout of keys and values below. It is part of the path that maps are pinned under: a process with another layout makes maps
 * of its own and removes the old ones when its own answer. Must change with every change of this file's layouts.
 */
export const LAYOUT = 'v1';

/** Leases that entries may name. */
export const LEASES = 7;
/** The last place among the leases names the process that the pinned maps belong to. No entry depends on it. */
export const HOLDER = 7;

export const shapes = {
  vips4: { type: BPF_MAP_TYPE_HASH, keySize: 8, valueSize: 24, maxEntries: 16_384 },
  vips6: { type: BPF_MAP_TYPE_HASH, keySize: 20, valueSize: 24, maxEntries: 16_384 },
  leases: { type: BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 8, maxEntries: LEASES + 1 },
} as const satisfies Record<string, MapShape>;

/** Value: u8 mac[6] · u8 source[6] @6 · u8 flags @12 · u8 lease @13 · pad[2] · u64 hits @16. */
export const VALUE = { mac: 0, source: 6, flags: 12, lease: 13, hits: 16 } as const;
export const ANSWER_BROADCAST = 1;
export const ANSWER_UNICAST = 2;

/** What the kernel answers for one address on one interface. */
export interface ResponderEntry {
  interfaceIndex: number;
  address: string;
  /** "is at": the MAC in the answer; another node's when this node answers on its behalf. */
  mac: string;
  /** Ethernet source of the answer: this interface's own MAC. Default: `mac`. */
  source?: string;
  /** Answers requests sent to broadcast, and solicitations sent to a multicast group: new askers. Default true. */
  broadcast?: boolean;
  /** Answers requests sent to this interface's MAC: those who use the address already and ask whether it still is here. Default true. */
  unicast?: boolean;
  /** Which lease it depends on, 0 to 6; default 0. */
  lease?: number;
}

export interface CountedEntry extends Required<ResponderEntry> {
  /** Answers given. */
  hits: bigint;
}

export function encodeKey(interfaceIndex: number, address: string): { family: 4 | 6; key: Buffer } {
  const ip = parseIp(address);
  const key = Buffer.alloc(4 + ip.length);
  key.writeUInt32LE(interfaceIndex, 0);
  ip.copy(key, 4);
  return { family: ip.length === 4 ? 4 : 6, key };
}

export function encodeValue(entry: ResponderEntry, hits: bigint): Buffer {
  const lease = entry.lease ?? 0;
  if (!Number.isInteger(lease) || lease < 0 || lease >= LEASES)
    throw new RawSocketError('InvalidArgument', `no lease ${lease}: 0 to ${LEASES - 1}`);
  const mac = parseMac(entry.mac);
  const source = parseMac(entry.source ?? entry.mac);
  if ((mac[0] as number) & 1 || (source[0] as number) & 1) {
    throw new RawSocketError('InvalidArgument', `${entry.address} cannot be at a group address: ${entry.mac}, ${entry.source}`);
  }
  const value = Buffer.alloc(shapes.vips4.valueSize);
  mac.copy(value, VALUE.mac);
  source.copy(value, VALUE.source);
  value.writeUInt8((entry.broadcast === false ? 0 : ANSWER_BROADCAST) | (entry.unicast === false ? 0 : ANSWER_UNICAST), VALUE.flags);
  value.writeUInt8(lease, VALUE.lease);
  value.writeBigUInt64LE(hits, VALUE.hits);
  return value;
}

export function decodeEntry(key: Buffer, value: Buffer): CountedEntry {
  const flags = value.readUInt8(VALUE.flags);
  return {
    interfaceIndex: key.readUInt32LE(0),
    address: formatIp(key.subarray(4)),
    mac: formatMac(value.subarray(VALUE.mac, VALUE.mac + 6)),
    source: formatMac(value.subarray(VALUE.source, VALUE.source + 6)),
    broadcast: (flags & ANSWER_BROADCAST) !== 0,
    unicast: (flags & ANSWER_UNICAST) !== 0,
    lease: value.readUInt8(VALUE.lease),
    hits: value.readBigUInt64LE(VALUE.hits),
  };
}
