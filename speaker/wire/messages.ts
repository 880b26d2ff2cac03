import type { NodeId } from '../mesh/packet.ts';
import type { ReleaseCause, TakeoverCause } from '../mesh/state.ts';
import type { MeshTimers } from '../mesh/timers.ts';

/** One address as the wire thread needs it. */
export interface WireAddress {
  ip: string;
  /** Eligible nodes in order of preference. */
  nodes: readonly NodeId[];
  /** Interfaces of this node to announce on; empty: those whose subnet holds the address. */
  interfaces: readonly string[];
  /** Highest epoch known from the API or the snapshot. */
  epoch: number;
  /** How long a silent speaker's claim is held while its kernel answers (ms). */
  hold: number;
  /** What this node owned before its speaker was restarted, by segment. */
  restored: readonly { segment: string; epoch: number }[];
}

/** What the thread is started with. */
export interface WireOptions {
  node: string;
  clusterUid: string;
  /** The plan to start with: known before the first heartbeat, which tells of claims that were restored. */
  addresses: readonly WireAddress[];
  /** Shared secrets of the mesh, the newest first. */
  secrets: readonly Uint8Array[];
  port: number;
  timers: MeshTimers;
  /** Interfaces never used, as regular expressions on the whole name. */
  excludeInterfaces: readonly string[];
  /** Uses SCHED_RR where that is permitted. */
  realtime: boolean;
  /** How to answer: the kernel (eBPF) where permitted, or the packet socket only. */
  responder: 'auto' | 'packet';
}

/** To the wire thread. */
export type WireCommand =
  | { kind: 'addresses'; set: readonly WireAddress[]; remove: readonly string[] }
  /** Addresses of other nodes, asked by unicast where multicast is filtered. */
  | { kind: 'hints'; addresses: readonly string[] }
  | { kind: 'secrets'; secrets: readonly Uint8Array[] }
  /**
   * Say goodbye and report `left`. With `restart` the claims are to be held until the speaker is back; else everything is handed over
   * first, within `deadline` ms.
   */
  | { kind: 'leave'; deadline: number; restart: boolean };

/** What is known of one segment. */
export interface SegmentReport {
  interface: string;
  segment: string;
  mac: string;
  addresses: readonly string[];
  carrier: boolean;
  fit: boolean;
  unfitReason?: string;
  peersHeard: readonly string[];
  /** Those whose speaker is silent while their kernel answers. */
  peersAnswering: readonly string[];
  listening: boolean;
  stalls: number;
  beaconsLost: number;
  duplicates: number;
  replays: number;
  rejected: number;
  sendErrors: number;
  responder: 'packet' | 'kernel' | 'none';
  /** Answers since the last report, per address. */
  answers: readonly { ip: string; count: number }[];
}

/** From the wire thread. */
export type WireEvent =
  | { kind: 'started'; realtime: boolean; because?: string }
  | {
      kind: 'acquired';
      ip: string;
      segment: string;
      interface: string;
      mac: string;
      epoch: number;
      cause: TakeoverCause | 'interface-changed';
    }
  | { kind: 'released'; ip: string; segment: string; interface: string; epoch: number; cause: ReleaseCause | 'interface-gone'; to?: string }
  | { kind: 'confirmed'; ip: string; segment: string; neighbour: string; afterMs: number }
  /** A stranger uses the address: found before its first use (it is not announced) or while announcing. */
  | { kind: 'conflict'; ip: string; segment: string; interface: string; mac: string; phase: 'probe' | 'announcing' }
  | { kind: 'conflict-over'; ip: string; segment: string; interface: string }
  | { kind: 'duplicate'; ip: string; segment: string; node: string }
  | { kind: 'stall'; segment: string; ms: number }
  | { kind: 'note'; message: string }
  | { kind: 'problem'; about: string; message: string }
  /** Once a second: also the sign of life of the thread. */
  | { kind: 'report'; segments: readonly SegmentReport[] }
  | { kind: 'left' };
