import type { Mac } from '../layer2/ethernet.ts';

/** First 8 octets of SHA-256 over the node's name, as 16 hex digits. */
export type NodeId = string;

/** A service address as canonical text. */
export type Vip = string;

/** What a packet is for. The numbers are the wire's. */
export const PACKET_TYPES = {
  beacon: 1,
  probe: 2,
  'probe-ack': 3,
  claim: 4,
  prepare: 5,
  ready: 6,
  commit: 7,
  yield: 8,
  'sync-request': 9,
  sync: 10,
  leave: 11,
} as const;

export type PacketType = keyof typeof PACKET_TYPES;

/** `vip` is owned (in prepare, ready and commit: to be owned) by the sender since `epoch`. */
export interface Claim {
  vip: Vip;
  /** Grows with every change of owner. Higher wins. */
  epoch: number;
  /** Position of the owner in the order of preference when it claimed: lower wins at equal epochs, the same on every node. */
  rank: number;
  /** The address is not answered: somebody else has it, or may have it. */
  withheld?: boolean;
}

export interface PacketFlags {
  /** Not leaving: takes addresses handed over to it. */
  ready: boolean;
  draining: boolean;
  uplinkOk: boolean;
  /** The addressee is in the sender's fast set. */
  fast: boolean;
  listening: boolean;
  /** The sender's kernel goes on answering for a while when its process is gone (pinned eBPF responder). */
  persistent: boolean;
  /** With `leave`: the process will be back; its claims are to be held. */
  restarting: boolean;
}

/** One datagram of the mesh, whatever its type: every packet is a sign of life and carries the whole header. */
export interface Packet {
  type: PacketType;
  flags: PacketFlags;
  sender: NodeId;
  /** Random per process start: names the sender's session. */
  nonce: bigint;
  /** The addressee's nonce when the sender hears it, else 0: this is what makes liveness two-way. */
  yourNonce: bigint;
  /** Strictly increasing per nonce. */
  seq: number;
  /** ms between two packets of this kind to this addressee; `multiplier` of them lost means gone. */
  interval: number;
  multiplier: number;
  /** Identifies the newest key the sender has: rotation ends when all have it. */
  newestKey: number;
  /** Counts changes of the sender's claims. */
  claimsVersion: number;
  /** XOR over the hashes of all claims of the sender. */
  claimsDigest: bigint;
  /** The same over those that are withheld; speakers of before say 0. */
  withheldDigest: bigint;
  /** `claims` are all the sender has. */
  complete: boolean;
  claims: readonly Claim[];
  /** Addresses the sender gave up. */
  released: readonly Vip[];
  name: string;
  macs: readonly Mac[];
  /** With `commit`: so long (ms) the old owner goes on for those who use the address already, and the new one announces nothing. */
  drain: number;
  /** A piece of a full list of claims (sync). */
  part: { index: number; count: number };
}

/** Claims or addresses in one packet: it stays under 1,200 octets and so under every MTU. */
export const PACKET_CLAIMS = 40;
