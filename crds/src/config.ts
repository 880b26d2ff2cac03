import type { Address, RangeSet } from '@herald/ip';
import type { Selector } from './selector.ts';

/** Which object a piece of configuration came from. */
export interface ObjectRef {
  /** `heraldlb.io/v1beta1`, or `metallb.io/…` where MetalLB's objects are read. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * The validated configuration: what controller, planner, speaker and CLI work with. Made by `resolve()` only;
 * everything in it is parsed, without contradiction, and free of references to nothing.
 */
export interface Config {
  /** In the order in which they are tried: by priority, then by name. No two overlap. */
  readonly pools: readonly Pool[];
  readonly reservations: readonly Reservation[];
  readonly l2Advertisements: readonly L2AdvertisementConfig[];
  readonly bgpAdvertisements: readonly BGPAdvertisementConfig[];
  readonly peers: readonly PeerConfig[];
  readonly bfdProfiles: ReadonlyMap<string, BFDProfileConfig>;
  /** Aliases of `Community` objects. */
  readonly communities: ReadonlyMap<string, CommunityValue>;
}

/** An `IPAddressPool`. */
export interface Pool {
  readonly ref: ObjectRef;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Every address of the pool, the excluded ones included. */
  readonly ranges: RangeSet;
  /** Addresses in `ranges` that are never given out. */
  readonly excluded: RangeSet;
  /** False: used only by a Service that asks for the pool or for one of its addresses. */
  readonly autoAssign: boolean;
  /** True: IPv4 addresses ending in .0 and .255 are never given out, not even when asked for. */
  readonly avoidBuggyIPs: boolean;
  /** Lower is tried first. `Infinity` when unset or 0: last. */
  readonly priority: number;
  /**
   * Who may use the pool. `null`: every Service. Otherwise the namespace side (`namespaces` or any of `namespaceSelectors`;
   * no restriction only when both were absent) and the Service side (any of `serviceSelectors`; empty: all) must both hold.
   */
  readonly allocation: PoolAllocation | null;
  /** True: nothing new is given out; what is held is kept. */
  readonly drain: boolean;
  /** What becomes of an address that is held when the pool shrinks, goes, or stops admitting its Service. */
  readonly onRemoval: 'Reallocate' | 'Keep';
  /** How long a released address rests before it is given to another Service, in milliseconds. */
  readonly reuseDelay: number;
  /** Whether Services of different namespaces may share one address. */
  readonly allowCrossNamespaceSharing: boolean;
  readonly quotas: readonly Quota[];
  /**
   * Not null: the pool is in conflict or only partly readable, and nothing new is given out of it (as with `drain`), but what is held
   * in `ranges` is kept, so that a mistake in one object takes no address away.
   */
  readonly suspended: 'OverlapsOtherPool' | 'InvalidSpec' | null;
}

export interface PoolAllocation {
  readonly namespaces: ReadonlySet<string>;
  readonly namespaceSelectors: readonly Selector[];
  readonly serviceSelectors: readonly Selector[];
}

/** How many addresses of a pool one namespace may hold. The lowest of all that select the namespace counts. */
export interface Quota {
  readonly namespaceSelector: Selector;
  readonly addresses: number;
}

/** An `IPReservation`: addresses kept for a Service that may not exist (yet, or any more). */
export interface Reservation {
  readonly ref: ObjectRef;
  readonly name: string;
  readonly service: { readonly namespace: string; readonly name: string };
  /** The addresses kept; empty when only a pool is named. */
  readonly addresses: readonly Address[];
  /** One address of each `families` of this pool is kept free for the Service; `null` when addresses are named. */
  readonly pool: string | null;
  readonly families: readonly (4 | 6)[];
}

/** What both kinds of advertisement select. */
export interface AdvertisementScope {
  readonly ref: ObjectRef;
  readonly name: string;
  /** Names of the selected pools, already resolved from names and label selectors. */
  readonly pools: ReadonlySet<string>;
  /** Nodes that may announce; empty: all. Use `matchesAny`. */
  readonly nodeSelectors: readonly Selector[];
  /** Services that are announced; empty: all. Use `matchesAny`. */
  readonly serviceSelectors: readonly Selector[];
}

/** An `L2Advertisement`. */
export interface L2AdvertisementConfig extends AdvertisementScope {
  /** Interfaces to announce on; empty: every usable one. A node without any of them is not eligible. */
  readonly interfaces: readonly string[];
  /** Soft preference: weights of all matching entries add up, the highest sum is preferred. */
  readonly preferredNodes: readonly { readonly weight: number; readonly selector: Selector }[];
  /** `Never`: a node that comes back takes nothing back. `Preferred`: the most preferred node takes the address back by a handover. */
  readonly preemption: 'Never' | 'Preferred';
  /** How long a claim is held for a node whose speaker is silent while its kernel still answers (ms); null: what the speakers are started with. */
  readonly hold: number | null;
  /** How long a planned move goes on for established connections (ms); null: what the speakers are started with. */
  readonly drain: number | null;
}

/** A `BGPAdvertisement`. */
export interface BGPAdvertisementConfig extends AdvertisementScope {
  /** Length of the announced prefix: 32 and 128 announce the address itself. */
  readonly aggregationLength: number;
  readonly aggregationLengthV6: number;
  readonly localPref: number | null;
  readonly med: number | null;
  /** How often the own AS is put in front in addition (eBGP). */
  readonly asPathPrepend: number;
  readonly communities: readonly CommunityValue[];
  /** Next hop to announce instead of the session's own address; `null`: the session's own. */
  readonly nextHop: { readonly ipv4: Address | null; readonly ipv6: Address | null };
  /** Names of the peers it goes to; `null`: all. */
  readonly peers: ReadonlySet<string> | null;
  /** Adds the link bandwidth community: ready endpoints on this node. */
  readonly weightByEndpoints: boolean;
}

export type CommunityValue =
  /** RFC 1997: two 16-bit halves. */
  | { readonly type: 'standard'; readonly high: number; readonly low: number }
  /** RFC 8092: three 32-bit parts. */
  | { readonly type: 'large'; readonly global: number; readonly local1: number; readonly local2: number };

/** A `BGPPeer`. Times are in milliseconds unless the name says otherwise. */
export interface PeerConfig {
  readonly ref: ObjectRef;
  readonly name: string;
  readonly nodeSelectors: readonly Selector[];
  readonly myASN: number;
  /** The peer's AS; `internal` (the same as ours) or `external` (any other) when it is learnt from its OPEN. */
  readonly peerASN: number | 'internal' | 'external';
  /** Shown to this peer instead of `myASN` (RFC 7705). */
  readonly localASN: number | null;
  readonly peerAddress: Address | null;
  /** Unnumbered: the IPv6 link-local neighbour on this interface. Exactly one of this and `peerAddress` is set. */
  readonly interface: string | null;
  readonly sourceAddress: Address | null;
  readonly port: number;
  readonly passive: boolean;
  readonly holdTime: number;
  readonly keepaliveTime: number;
  readonly connectTime: number;
  /** IPv4 text; `null`: the node's own choice. */
  readonly routerID: string | null;
  readonly vrf: string | null;
  readonly ebgpMultiHop: boolean;
  readonly addressFamilies: readonly ('ipv4' | 'ipv6')[];
  /** False: multiprotocol extensions (RFC 4760) are not offered, for very old routers. */
  readonly multiprotocol: boolean;
  readonly authentication: PeerAuthentication;
  /** RFC 5082: the greatest distance of the peer in hops; `null`: not checked. */
  readonly gtsmHops: number | null;
  /** RFC 9234. */
  readonly role: 'provider' | 'rs' | 'rs-client' | 'customer' | 'peer' | null;
  readonly bfd: BFDProfileConfig | null;
  /** Seconds, as on the wire (RFC 4724, RFC 9494). */
  readonly gracefulRestart: { readonly restartTime: number; readonly longLivedStaleTime: number } | null;
  /** Why the peer cannot be started although it is valid: a missing profile for instance. It alone waits. */
  readonly waitingFor: string | null;
}

export type PeerAuthentication =
  | { readonly type: 'none' }
  | { readonly type: 'md5'; readonly password: string }
  /** A Secret of type `kubernetes.io/basic-auth` in Herald's namespace, key `password`. */
  | { readonly type: 'md5-secret'; readonly secretName: string }
  | {
      readonly type: 'tcp-ao';
      readonly secretName: string;
      readonly algorithm: 'HMAC-SHA-1-96' | 'AES-128-CMAC-96';
      readonly sendID: number;
      readonly receiveID: number;
    };

/** A `BFDProfile`. Intervals in milliseconds. */
export interface BFDProfileConfig {
  readonly ref: ObjectRef;
  readonly name: string;
  readonly receiveInterval: number;
  readonly transmitInterval: number;
  readonly detectMultiplier: number;
  readonly echoMode: boolean;
  readonly echoInterval: number;
  readonly passiveMode: boolean;
  readonly minimumTtl: number;
}
