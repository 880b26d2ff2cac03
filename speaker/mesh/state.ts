import type { Mac } from '../layer2/ethernet.ts';
import type { Claim, NodeId, Packet, Vip } from './packet.ts';
import { score } from './rank.ts';
import { type ReplayWindow, replayWindow } from './replay.ts';
import type { Steadiness } from './steadiness.ts';
import { listening, type MeshTimers } from './timers.ts';

/** What the plan says about one address on this segment. */
export interface DesiredAddress {
  /** Eligible nodes in order of preference. */
  order: readonly NodeId[];
  /** How long a silent speaker's claim is held while its kernel still answers (ms); 0: not at all. */
  hold: number;
  /** How long a planned move goes on for established flows (ms); by default the mesh's. */
  drain?: number;
  /** This node owned the address at this epoch before its speaker was restarted. */
  restored?: number;
  /** Since when it did. */
  restoredSince?: number;
  /** That claim was taken over gently, and the old owner's flows were not known to be gone. */
  restoredQuiet?: Quiet;
  /** This node forwarded for those who used the address before it moved to `to`, when its speaker was restarted. */
  restoredLameDuck?: { to: NodeId; until: number };
  /** The other node that was the last to own it, as the API or a snapshot tells. */
  lastOwner?: { node: NodeId; mac: Mac };
  /** The highest epoch known from elsewhere (the API, a snapshot), so that epochs grow also when all speakers restart. */
  epoch: number;
  /** The first of the order takes the address over when it is there. Default false. */
  preempt?: boolean;
  /** With `preempt`: sizes of the groups of equally preferred nodes in `order`; absent: the first node alone is preferred. */
  preference?: readonly number[];
  /** A claim from before this moment is handed to the first live node of the order. */
  rebalance?: number;
}

/** Why an address came to this node. */
export type TakeoverCause = 'unclaimed' | 'peer-lost' | 'peer-left' | 'peer-restarted' | 'yielded' | 'handover' | 'restored';

/** Why this node no longer has it. */
export type ReleaseCause =
  | 'withdrawn'
  | 'ineligible'
  | 'outbid'
  | 'handover'
  | 'no-uplink'
  | 'unheard'
  | 'no-carrier'
  | 'leaving'
  | 'interface-gone';

/** A gentle move as the new owner sees it: nothing is announced until `from` has no more flows, is gone, or it is `until`. */
export interface Quiet {
  from: NodeId;
  since: number;
  until: number;
}

/** A gentle move as the old owner sees it: those who use the address already are served until their flows are gone or it is `until`. */
export interface LameDuck {
  to: NodeId;
  until: number;
  /** The last count found no flows. */
  idle: boolean;
  /** The address had come here gently, too: the owner before this one may still have flows. */
  before: Quiet | undefined;
}

/** Why a gentle move is over: for the old owner, and then for the new one, which announces. */
export type LameDuckEnd = 'flows-gone' | 'time' | 'withdrawn' | 'taken-back' | 'leaving' | 'interface-gone';
export type QuietEnd = 'flows-gone' | 'time' | 'old-owner-gone';

/** An address that this node owns. */
export interface OwnClaim extends Claim {
  since: number;
  /** Restored after a restart and not confirmed yet: told to others, not answered. */
  dormant: boolean;
  quiet?: Quiet;
  /** When a better node was last asked to take it. */
  triedAt?: number;
  /** This node leaves, and nobody takes it. */
  unwanted?: boolean;
}

/** A free address that this node may take: since when it is free, and what freed it. */
export interface OpenAddress {
  since: number;
  cause: TakeoverCause;
  /** Place in the line when it was last looked at. */
  rank?: number;
  /** When somebody before this node was last lost: the next in line goes first now, too. */
  movedUpAt?: number;
}

export interface Handover {
  to: NodeId;
  epoch: number;
  phase: 'prepare' | 'commit';
  /** When this phase began. */
  since: number;
  lastSent: number;
  tried: Set<NodeId>;
  /** How long this node goes on for those who use the address already (ms); 0: not at all. */
  drain: number;
  /** What becomes of the address when nobody takes it. */
  reason: 'ineligible' | 'leaving' | 'handover' | 'preferred';
}

/** `held`: the speaker is silent while its node's kernel still answers, so its claims stand for a while. */
export type Liveness = 'unheard' | 'held' | 'heard' | 'two-way';

/** Its packets arrive. */
export function isHeard(peer: Peer): boolean {
  return peer.liveness === 'heard' || peer.liveness === 'two-way';
}

/** What is known of another speaker on the segment. */
export interface Peer {
  id: NodeId;
  name: string;
  /** Where its packets come from, as the transport writes it. */
  address: string;
  nonce: bigint;
  window: ReplayWindow;
  /** Its place in the choice of fast sets. */
  score: number;
  /** In the fast set, by our choice or by the peer's. */
  fast: boolean;
  /** Until when the peer counts us in its fast set. */
  fastUntil: number;
  lastHeard: number;
  /** When it last echoed our nonce: it hears us. */
  echoedAt: number;
  /** Silence in ms after which it is gone, by what it says about its own timers. */
  deadline: number;
  interval: number;
  liveness: Liveness;
  left: boolean;
  /** Sequence number of its goodbye: what was sent before and arrives after it is no sign of life. */
  goodbyeSeq: number;
  /** It said that it will be back. */
  restarting: boolean;
  persistent: boolean;
  /** Addresses that this node took over gently from the peer, and has not announced yet. */
  lameDucks: number;
  /** When the node's kernel last answered for the node's own address. */
  kernelAt: number;
  kernelAskedAt: number;
  heldSince: number;
  uplinkOk: boolean;
  draining: boolean;
  listening: boolean;
  newestKey: number;
  macs: readonly Mac[];
  claims: Map<Vip, Claim>;
  claimsVersion: number;
  claimsDigest: bigint;
  withheldDigest: bigint;
  sync: { version: number; count: number; parts: Map<number, readonly Claim[]> } | undefined;
  syncRequestedAt: number;
  repliedAt: number;
  probedAt: number;
  /** Whether it was in order when that was last looked at (`steadiness.ts`). */
  fit: boolean | undefined;
}

/** What decisions ask about the peers as a whole. */
export interface Company {
  heard: number;
  /** Heard, and hear us. */
  live: number;
  /** One that is heard says that it has an uplink. */
  up: boolean;
  held: Peer[];
}

/** For how many addresses each node is in an order together with this one. */
export interface Candidacies {
  eligible: boolean;
  shared: ReadonlyMap<NodeId, number>;
}

export interface Uplink {
  /** The link is up. */
  carrier: boolean;
  /** There is a gateway to be asked. */
  expected: boolean;
  /** There is somebody (gateway, witness) whose answers prove that packets pass. */
  probed: boolean;
  /** When one of them was last heard. */
  seenAt: number;
}

export interface MeshCounters {
  stalls: number;
  /** Heartbeats of two-way peers that did not arrive in their time, though a later one did. */
  beaconsLost: number;
  /** Times a peer fell silent for its detection time. */
  peersLost: number;
  duplicates: number;
  replays: number;
  takeovers: number;
}

/** A node of the cluster and its addresses (transport): asked there by unicast as long as it is not heard, since multicast may be filtered. */
export interface Hint {
  readonly node: NodeId;
  readonly addresses: readonly string[];
}

/** The whole state of the mesh on one segment. Only the functions of this folder change it. */
export interface MeshState {
  readonly me: NodeId;
  readonly name: string;
  readonly nonce: bigint;
  readonly timers: MeshTimers;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  macs: readonly Mac[];
  newestKey: number;
  seq: number;
  /** Nodes that are expected on the segment. */
  hints: readonly Hint[];
  readonly peers: Map<NodeId, Peer>;
  /** Claims of all peers together. */
  peerClaims: number;
  /** Claims in parts of lists that are not complete yet, of all peers together. */
  partialClaims: number;
  /** Those of them in the fast set: what every tick looks at. */
  fast: Peer[];
  /** The others, as of the last look at them. */
  slow: Company;
  nextSlowLook: number;
  /** What the plan says about this node's place among the others; undefined when the plan has changed since. */
  candidacies: Candidacies | undefined;
  readonly desired: Map<Vip, DesiredAddress>;
  readonly mine: Map<Vip, OwnClaim>;
  readonly maxEpoch: Map<Vip, number>;
  /** Peers whose claims name the address, alive or not. */
  readonly claimants: Map<Vip, Set<NodeId>>;
  readonly open: Map<Vip, OpenAddress>;
  /** Addresses whose last claim, ours or another's, was withheld: whoever takes one asks first whether a stranger has it. */
  readonly withheld: Set<Vip>;
  /** Claims of ours that are withheld since the last tick, or no longer: the others are not told yet. */
  readonly changed: Set<Vip>;
  readonly handovers: Map<Vip, Handover>;
  /** Addresses of this node that the plan has elsewhere, and since when (ms). */
  readonly misplaced: Map<Vip, number>;
  /** Addresses given to another node, whose established flows still come in here. */
  readonly lameDucks: Map<Vip, LameDuck>;
  /** Peers whose `lameDucks` is not 0. */
  readonly quietFrom: Set<Peer>;
  /** Addresses answered on behalf of the node that holds them, with its MAC. */
  readonly caretaking: Map<Vip, { node: NodeId; mac: Mac }>;
  /** Whether to do that: networks with ARP inspection refuse it. */
  caretaker: boolean;
  persistent: boolean;
  restarting: boolean;
  /** Changes told again after 20 and 50 ms, for lossy networks. */
  repeats: { at: number; type: 'claim' | 'yield'; vips: readonly Vip[] }[];
  readonly uplink: Uplink;
  /** How reliable the other nodes have been. */
  readonly steadiness: Map<NodeId, Steadiness>;
  /** When to look for better owners next. */
  nextPreemption: number;
  /** No taking before this time. */
  listenUntil: number;
  /** Since when this node may take; infinite while it may not. */
  ableSince: number;
  unheardSince: number | undefined;
  /** Since when a peer that is heard says that it has an uplink. */
  othersUpSince: number | undefined;
  /** When a peer was first heard. */
  metAt: number | undefined;
  /** When a peer was last heard at all. */
  companyAt: number;
  lastTick: number;
  nextBeacon: number;
  nextSlow: number;
  membersChanged: boolean;
  claimsVersion: number;
  claimsDigest: bigint;
  withheldDigest: bigint;
  leaving: boolean;
  /** Until when handovers may go on for established flows while this node leaves; undefined: they do not. */
  leaveUntil: number | undefined;
  /** How long handovers go on for established flows (ms) where the plan says nothing; 0: they move at once. */
  drain: number;
  /** The same for all of them, whatever the plan says: this node was asked to be drained within that time. */
  drainOverride: number | undefined;
  readonly startedAt: number;
  readonly counters: MeshCounters;
  /** When the kernels of nodes that have not been heard answered (`absent.ts`), and when they were asked. */
  readonly absentAnswers: Map<NodeId, number>;
  absentAskedAt: number;
}

/** What the shell has to do. */
export type Effect =
  /** To one peer's address, or by multicast to the segment. */
  | { kind: 'send'; to: { address: string } | 'group'; packet: Packet }
  /** With `probe` it is not answered before `setWithheld` says that nobody else has it. */
  | { kind: 'acquire'; vip: Vip; epoch: number; cause: TakeoverCause; quiet?: Quiet; probe?: boolean }
  /** With `lameDuck`, those who ask by unicast are still answered, until `lame-duck-over`. */
  | { kind: 'release'; vip: Vip; epoch: number; cause: ReleaseCause; to?: NodeId; lameDuck?: LameDuck }
  /** A lame duck of before the restart goes on. */
  | { kind: 'lame-duck'; vip: Vip; to: NodeId; until: number }
  | { kind: 'lame-duck-over'; vip: Vip; why: LameDuckEnd }
  /** An address taken over quietly is announced now. */
  | { kind: 'announce'; vip: Vip; why: QuietEnd }
  | { kind: 'peer'; node: NodeId; name: string; liveness: Liveness | 'left' }
  | { kind: 'stall'; ms: number }
  /** Ask the kernel of a silent speaker's node for the node's own address; answers go to `onKernelAnswer`. */
  | { kind: 'ask-kernel'; address: string; mac: Mac | undefined }
  /** Answer for a held address with the MAC of its node, or no more. */
  | { kind: 'caretake'; vip: Vip; mac: Mac | undefined }
  | { kind: 'duplicate'; vip: Vip; node: NodeId; epoch: number };

export interface MeshOptions {
  me: NodeId;
  name: string;
  nonce: bigint;
  timers: MeshTimers;
  random: () => number;
  macs?: readonly Mac[];
  newestKey?: number;
  /** Default true. */
  caretaker?: boolean;
  /** Default 0. */
  drain?: number;
}

export function createMesh(options: MeshOptions, now: number): MeshState {
  return {
    me: options.me,
    name: options.name,
    nonce: options.nonce,
    timers: options.timers,
    random: options.random,
    macs: options.macs ?? [],
    newestKey: options.newestKey ?? 0,
    seq: 0,
    hints: [],
    peers: new Map(),
    peerClaims: 0,
    partialClaims: 0,
    fast: [],
    slow: { heard: 0, live: 0, up: false, held: [] },
    nextSlowLook: now,
    candidacies: undefined,
    desired: new Map(),
    mine: new Map(),
    maxEpoch: new Map(),
    claimants: new Map(),
    open: new Map(),
    withheld: new Set(),
    changed: new Set(),
    handovers: new Map(),
    misplaced: new Map(),
    lameDucks: new Map(),
    quietFrom: new Set(),
    caretaking: new Map(),
    caretaker: options.caretaker ?? true,
    persistent: false,
    restarting: false,
    repeats: [],
    steadiness: new Map(),
    nextPreemption: now,
    uplink: { carrier: true, expected: false, probed: false, seenAt: now },
    listenUntil: now + listening(options.timers),
    ableSince: Number.POSITIVE_INFINITY,
    unheardSince: undefined,
    othersUpSince: undefined,
    metAt: undefined,
    companyAt: Number.NEGATIVE_INFINITY,
    lastTick: now,
    nextBeacon: now,
    nextSlow: now,
    membersChanged: false,
    claimsVersion: 0,
    claimsDigest: 0n,
    withheldDigest: 0n,
    leaving: false,
    leaveUntil: undefined,
    drain: options.drain ?? 0,
    drainOverride: undefined,
    startedAt: now,
    absentAnswers: new Map(),
    absentAskedAt: Number.NEGATIVE_INFINITY,
    counters: { stalls: 0, beaconsLost: 0, peersLost: 0, duplicates: 0, replays: 0, takeovers: 0 },
  };
}

export function createPeer(packet: Packet, address: string, now: number): Peer {
  return {
    id: packet.sender,
    name: packet.name,
    address,
    nonce: packet.nonce,
    window: replayWindow(),
    score: Number(score(packet.sender, 'fast-set')),
    fast: false,
    fastUntil: 0,
    lastHeard: now,
    echoedAt: Number.NEGATIVE_INFINITY,
    deadline: 0,
    interval: 0,
    liveness: 'unheard',
    left: false,
    goodbyeSeq: -1,
    restarting: false,
    persistent: false,
    lameDucks: 0,
    kernelAt: Number.NEGATIVE_INFINITY,
    kernelAskedAt: Number.NEGATIVE_INFINITY,
    heldSince: 0,
    uplinkOk: false,
    draining: false,
    listening: false,
    newestKey: 0,
    macs: [],
    claims: new Map(),
    claimsVersion: -1,
    claimsDigest: 0n,
    withheldDigest: 0n,
    sync: undefined,
    syncRequestedAt: Number.NEGATIVE_INFINITY,
    repliedAt: Number.NEGATIVE_INFINITY,
    probedAt: Number.NEGATIVE_INFINITY,
    fit: undefined,
  };
}
