import type { BfdOptions } from './bfd/options.ts';
import type { Role } from './codec/capability/role.ts';
import type { Family } from './codec/family.ts';

/** How routes outlive this process at a peer (RFC 4724). */
export interface GracefulRestartOptions {
  /** Seconds (1–4095) for which the peer keeps the routes; 120 when left out. Keep it short where no BFD tells a dead node from a restart. */
  readonly restartTime?: number;
  /** Whether the data path forwards while this process is away; true when left out. False makes the peer drop the routes at once. */
  readonly forwardingPreserved?: boolean;
  /** Keep routes over a NOTIFICATION too, for instance over an expired hold timer (RFC 8538); true when left out. */
  readonly notification?: boolean;
  /** Seconds for which the peer may keep the routes as a last resort after `restartTime` (RFC 9494); none when left out. */
  readonly longLivedStaleTime?: number;
}

/** A TCP-AO key (RFC 5925), with an algorithm of RFC 5926. */
export interface TcpAoOptions {
  readonly algorithm: 'HMAC-SHA-1-96' | 'AES-128-CMAC-96';
  /** Master key, 1–80 octets. Never shown in status, events or errors. */
  readonly key: string;
  /** KeyID of what we send, 0–255: the peer's receive ID. */
  readonly sendId: number;
  /** KeyID of what the peer sends, 0–255. */
  readonly receiveId: number;
}

/** A router to peer with. */
export interface PeerOptions {
  /** How the peer is called in every other call and event; `address` or `interface` when left out. */
  readonly name?: string;
  /** `10.0.0.1`, `2001:db8::1`, or a link-local one with its interface: `fe80::1%eth0`. */
  readonly address?: string;
  /** Without `address`: peer with the router found on this interface (unnumbered). */
  readonly interface?: string;
  /** TCP port of the peer; 179 when left out. */
  readonly port?: number;
  /** The peer's AS; `internal` for ours, `external` for any other. */
  readonly remoteAs: number | 'internal' | 'external';
  /** An AS other than the speaker's towards this peer. */
  readonly localAs?: number;
  /** A BGP identifier other than the speaker's towards this peer. */
  readonly routerId?: string;
  /** Address to connect from; also the one whose connections are accepted. */
  readonly sourceAddress?: string;
  /** Interface or VRF that the session is bound to. */
  readonly device?: string;
  /** Seconds: 0 (never expires) or 3–65535; 90 when left out. */
  readonly holdTime?: number;
  /** Seconds between KEEPALIVEs; a third of the hold time when left out, and never more than that. */
  readonly keepaliveTime?: number;
  /** Longest time in seconds between attempts to connect; 30 when left out. The first retries come sooner. */
  readonly connectRetryTime?: number;
  /** Seconds after which an attempt to connect is given up; 5 when left out. */
  readonly connectTimeout?: number;
  /** Wait for the peer to connect. */
  readonly passive?: boolean;
  /** The peer is further than one hop away: true for 255 hops, or their number. Decides on the kind of BFD session as well. */
  readonly multihop?: boolean | number;
  /** Generalized TTL security (RFC 5082): true for a neighbour on the link, or the most hops it may be away. Both sides must set it. */
  readonly gtsm?: boolean | number;
  /** TCP MD5 signature key (RFC 2385), at most 80 octets. Never shown in status, events or errors. */
  readonly password?: string;
  /** TCP Authentication Option (RFC 5925), in place of `password`. On a kernel without it the peer stays Idle and says so (`BGP_UNSUPPORTED`). */
  readonly tcpAo?: TcpAoOptions;
  /** Families to speak; IPv4 and IPv6 unicast when left out. */
  readonly families?: readonly Family[];
  /** Offer multiprotocol extensions (RFC 4760); true when left out. False, for very old equipment, leaves IPv4 unicast as the only family. */
  readonly multiprotocol?: boolean;
  /** Announce IPv4 routes with IPv6 next hops where the peer can (RFC 8950); as default only on unnumbered sessions. */
  readonly extendedNextHop?: boolean;
  /** Accept messages above 4096 octets (RFC 8654); true when left out. */
  readonly extendedMessages?: boolean;
  readonly gracefulRestart?: GracefulRestartOptions;
  /** What we are to the peer (RFC 9234). */
  readonly role?: Role;
  /** Refuse a peer that announces no role. */
  readonly strictRole?: boolean;
  /** Next hops to announce instead of our own addresses on the session's interface. */
  readonly nextHop?: { readonly ipv4?: string; readonly ipv6?: string };
  /** Watch the path with BFD (RFC 5882). */
  readonly bfd?: BfdOptions;
  /** Answer with Cease when the peer sends more routes than this; not limited when left out. Received routes are dropped in any case. */
  readonly receivedRouteLimit?: number;
  /** False: configured, but no session (administrative shutdown). */
  readonly enabled?: boolean;
}
