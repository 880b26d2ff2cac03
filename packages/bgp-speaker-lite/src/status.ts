import type { Family } from './codec/family.ts';
import type { BgpErrorCode } from './errors.ts';
import type { SessionState } from './fsm/state.ts';

/** How a peer's BFD session stands. */
export interface BfdStatus {
  readonly state: 'AdminDown' | 'Down' | 'Init' | 'Up';
  readonly remoteState: 'AdminDown' | 'Down' | 'Init' | 'Up';
  /** Why it last went down, in words. */
  readonly diagnostic: string | undefined;
  /** Milliseconds, as negotiated. */
  readonly transmitInterval: number;
  readonly detectionTime: number;
  /** Our echo packets come back and are watched as well. */
  readonly echo?: { readonly transmitInterval: number; readonly detectionTime: number };
}

/** A snapshot of one peer. Times are milliseconds since 1970. */
export interface PeerStatus {
  readonly name: string;
  /** Undefined while the router of an unnumbered peer has not been found. */
  readonly address: string | undefined;
  readonly state: SessionState;
  /** Since when it is in this state. */
  readonly since: number;
  readonly enabled: boolean;
  readonly localAs: number;
  /** As the peer says, once it has. */
  readonly remoteAs: number | undefined;
  readonly remoteRouterId: string | undefined;
  readonly remoteHostname: string | undefined;
  readonly localAddress: string | undefined;
  /** Seconds, negotiated. */
  readonly holdTime: number | undefined;
  /** Negotiated families. */
  readonly families: readonly Family[];
  /** Those of them for which no next hop of ours is known, so that only routes with one of their own are announced. */
  readonly withoutNextHop: readonly Family[];
  /** Codes of the capabilities the peer announced. */
  readonly capabilities: readonly number[];
  /** Both sides keep routes over a restart of ours. */
  readonly gracefulRestart: boolean;
  /** Why the last session or attempt ended; kept while a new session is up. */
  readonly lastError: { readonly text: string; readonly at: number; readonly code?: BgpErrorCode } | undefined;
  /** What keeps some routes from this peer although the session is up, in words. */
  readonly problems: readonly string[];
  readonly announced: Readonly<Record<Family, number>>;
  readonly bfd: BfdStatus | undefined;
  readonly counters: PeerCounters;
}

/** Counts since the peer was added. */
export interface PeerCounters {
  messagesSent: number;
  messagesReceived: number;
  updatesSent: number;
  updatesReceived: number;
  octetsSent: number;
  octetsReceived: number;
  routesAnnounced: number;
  routesWithdrawn: number;
  /** Prefixes in received UPDATEs: parsed, counted and dropped. */
  prefixesReceived: number;
  prefixesWithdrawn: number;
  refreshesReceived: number;
  sessionsEstablished: number;
  sessionsLost: number;
  bfdDowns: number;
  /** By `code/subcode`. */
  notificationsSent: Record<string, number>;
  notificationsReceived: Record<string, number>;
  /** Malformed UPDATEs that the session survived, by how they were handled (RFC 7606). */
  malformed: Record<string, number>;
}

export function newCounters(): PeerCounters {
  return {
    messagesSent: 0,
    messagesReceived: 0,
    updatesSent: 0,
    updatesReceived: 0,
    octetsSent: 0,
    octetsReceived: 0,
    routesAnnounced: 0,
    routesWithdrawn: 0,
    prefixesReceived: 0,
    prefixesWithdrawn: 0,
    refreshesReceived: 0,
    sessionsEstablished: 0,
    sessionsLost: 0,
    bfdDowns: 0,
    notificationsSent: {},
    notificationsReceived: {},
    malformed: {},
  };
}

/** Adds one to a count by key. */
export function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
