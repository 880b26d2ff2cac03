import type { Role } from '../codec/capability/role.ts';
import type { Family } from '../codec/family.ts';

/** What the state machine of one peer needs to know about it. Times are in milliseconds unless a name of the RFC says otherwise. */
export interface FsmConfig {
  readonly localAs: number;
  readonly routerId: number;
  /** The AS the peer must be in, or whether it must be in ours or in any other. */
  readonly peerAs: number | 'internal' | 'external';
  /** Seconds offered; the smaller of both sides' holds (RFC 4271 §4.2). 0: none. */
  readonly holdTime: number;
  /** Seconds between KEEPALIVEs; a third of the negotiated hold time at most. */
  readonly keepaliveTime?: number;
  /** Longest time between attempts to connect, after failures have doubled the first second up to it. */
  readonly connectRetryTime: number;
  /** After this a dial is given up: a wrong MD5 key looks like a lost packet. */
  readonly connectTimeout: number;
  /** Only wait for the peer to connect. */
  readonly passive: boolean;
  readonly families: readonly Family[];
  /** False: the OPEN names no families (RFC 4760 §8), and only IPv4 unicast is spoken. */
  readonly multiprotocol?: boolean;
  /** Offer IPv6 next hops for IPv4 routes (RFC 8950). */
  readonly extendedNextHop: boolean;
  /** Accept messages up to 65,535 octets (RFC 8654). */
  readonly extendedMessages: boolean;
  readonly gracefulRestart?: GracefulRestartConfig;
  readonly role?: Role;
  /** Refuse a peer that announces no role (RFC 9234 §4.2). */
  readonly strictRole?: boolean;
  /** Shown by routers beside the address. */
  readonly hostname?: string;
}

export interface GracefulRestartConfig {
  /** Seconds (0–4095) for which the peer shall keep the routes. */
  readonly restartTime: number;
  /** The data path forwards while this process is away; without it the peer drops the routes at once (RFC 4724 §4.2). */
  readonly forwardingPreserved: boolean;
  /** Routes survive a NOTIFICATION too (RFC 8538). */
  readonly notification: boolean;
  /** Seconds (24 bits) for which routes may stay, least preferred, after the restart time (RFC 9494). */
  readonly longLivedStaleTime?: number;
}

/** Whether a peer of AS `peerAs` suits the configuration. */
export function acceptsAs(config: FsmConfig, peerAs: number): boolean {
  if (config.peerAs === 'internal') return peerAs === config.localAs;
  if (config.peerAs === 'external') return peerAs !== config.localAs;
  return peerAs === config.peerAs;
}
