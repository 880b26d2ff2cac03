import type { Mac } from '../layer2/ethernet.ts';
import type { NodeId } from '../mesh/packet.ts';
import type { LameDuckEnd, QuietEnd, ReleaseCause, TakeoverCause } from '../mesh/state.ts';
import type { MeshTimers } from '../mesh/timers.ts';
import type { MoveSpan } from '../share.ts';

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
  /** How long a planned move of the address goes on for established flows (ms). */
  drain: number;
  /** The first of `nodes` takes the address over when it is there; default false. */
  preempt?: boolean;
  /** With `preempt`: sizes of the groups of equally preferred nodes. */
  preference?: readonly number[];
  /** When a rebalance was asked for (ms since the epoch). */
  rebalance?: number;
  /** What this node owned before its speaker was restarted, by segment; `quiet`: taken over gently, and not announced yet. */
  restored: readonly { segment: string; epoch: number; sinceMs?: number; quiet?: { from: NodeId } & MoveSpan }[];
  /** Other nodes that were the last to own it, by segment. */
  lastOwners?: readonly { segment: string; node: NodeId; mac: Mac }[];
  /** Segments on which this node forwarded for established flows before its speaker was restarted. */
  lameDucks: readonly ({ segment: string; to: NodeId } & MoveSpan)[];
}

/** What the thread begins with. */
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
  /** Directory on a BPF file system: what the kernel answers there goes on while the process is away. */
  pinDirectory?: string | undefined;
  /** Answer new requests for an address whose speaker is away, with the MAC of its node. */
  caretaker: boolean;
}

/** To the wire thread, before anything else: until then it loads and waits. */
export interface WireBegin {
  kind: 'begin';
  options: WireOptions;
}

/** Another node of the cluster. */
export interface NodeHint {
  name: string;
  addresses: readonly string[];
}

/** To the wire thread. */
export type WireCommand =
  | { kind: 'addresses'; set: readonly WireAddress[]; remove: readonly string[] }
  /** The other nodes and where to ask them by unicast, since multicast may be filtered. */
  | { kind: 'hints'; nodes: readonly NodeHint[] }
  | { kind: 'secrets'; secrets: readonly Uint8Array[] }
  /** This node was asked to be drained within that time (ms), whatever the plan says; undefined: it was not. */
  | { kind: 'drain-within'; ms: number | undefined }
  /** Established flows that pass through this node, of addresses that have moved away gently. */
  | { kind: 'flows'; counts: readonly { ip: string; flows: number }[] }
  /**
   * Say goodbye and report `left`. With `restart` the claims are to be held until the speaker is back; else everything is handed over
   * first, and established flows are waited for, within `deadline` ms.
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
  /** Gateways that answer this node, but not to addresses announced: one of them, and their number. */
  gatewaysUnconfirmed: readonly { gateway: string; address: string; addresses: number }[];
  listening: boolean;
  stalls: number;
  beaconsLost: number;
  peersLost: number;
  duplicates: number;
  replays: number;
  rejected: number;
  sendErrors: number;
  responder: 'packet' | 'kernel' | 'none';
  /** The kernel goes on answering while the process is away. */
  pinned: boolean;
  /** Addresses of nodes whose speakers are away and whose kernels go on. */
  held: number;
  /** Claims of before a restart that are neither answered nor given up yet. */
  restoring: number;
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
      /** Owned for so long already, by a process of before (ms). */
      ownedMs?: number;
      /** Taken over gently: not announced for `forMs` at most, while node `from` has flows. */
      quiet?: { from: string; forMs: number };
    }
  /** What was taken over gently is announced now. */
  | { kind: 'announced'; ip: string; segment: string; why: QuietEnd }
  | {
      kind: 'released';
      ip: string;
      segment: string;
      interface: string;
      epoch: number;
      cause: ReleaseCause;
      to?: string;
      /** This node goes on for those who use the address already, so long at most (ms). */
      lameDuckMs?: number;
    }
  /** A gentle move of before the restart goes on. */
  | { kind: 'lame-duck'; ip: string; segment: string; to: string; forMs: number }
  | { kind: 'lame-duck-over'; ip: string; segment: string; why: LameDuckEnd }
  | { kind: 'confirmed'; ip: string; segment: string; neighbour: string; afterMs: number }
  /** A stranger uses the address: found before its first use (it is not announced) or while announcing. */
  | { kind: 'conflict'; ip: string; segment: string; interface: string; mac: string; phase: 'probe' | 'announcing' }
  | { kind: 'conflict-over'; ip: string; segment: string; interface: string }
  | { kind: 'duplicate'; ip: string; segment: string; node: string }
  | { kind: 'stall'; segment: string; ms: number }
  | { kind: 'note'; message: string }
  | { kind: 'problem'; about: string; message: string }
  /** Once a second: also the sign of life of the thread. `excluded`: interfaces that would be used if an advertisement named them. */
  | { kind: 'report'; segments: readonly SegmentReport[]; excluded: readonly string[] }
  | { kind: 'left' }
  /** Another process on this node has taken over what the kernel answers: this one keeps silent from now on. */
  | { kind: 'superseded' };
