import { type Backoff, NO_BACKOFF } from './backoff.ts';
import type { Negotiated } from './negotiate.ts';

/** The states of RFC 4271 §8.2.2, as shown to people. */
export type SessionState = 'Idle' | 'Connect' | 'Active' | 'OpenSent' | 'OpenConfirm' | 'Established';

/** Who opened a TCP connection. A peer has at most one of each for as long as a collision lasts. */
export type Direction = 'outgoing' | 'incoming';

/** One TCP connection. Times are absolute milliseconds of the clock that is passed in; absent: timer not running. */
export interface ConnectionState {
  readonly id: number;
  readonly direction: Direction;
  readonly state: 'OpenSent' | 'OpenConfirm' | 'Established';
  readonly plain: boolean;
  readonly negotiated: Negotiated | undefined;
  readonly holdAt: number | undefined;
  readonly keepaliveAt: number | undefined;
  readonly establishedAt: number | undefined;
}

/** The outgoing attempt: none, waiting for the ConnectRetryTimer, or under way until it is given up. */
export type Dial =
  | { readonly phase: 'none' }
  | { readonly phase: 'waiting'; readonly at: number }
  | { readonly phase: 'connecting'; readonly giveUpAt: number };

/** All there is to know about a peer's session: the timers are deadlines in here, so that none can be left behind. */
export interface PeerState {
  readonly started: boolean;
  readonly dial: Dial;
  readonly connections: readonly ConnectionState[];
  /** IdleHoldTimer: nothing is dialled or accepted before `until`; after a loss of BFD, before BFD is back. */
  readonly idle: { readonly until: number; readonly waitsFor: 'damping' | 'bfd' } | undefined;
  readonly backoff: Backoff;
  /** The peer refuses OPENs with capabilities. */
  readonly plain: boolean;
  /** The R bit: this process has started anew and the peer has not had a session with it yet. */
  readonly restarting: boolean;
}

export function initialState(restarting: boolean): PeerState {
  return {
    started: false,
    dial: { phase: 'none' },
    connections: [],
    idle: undefined,
    backoff: NO_BACKOFF,
    plain: false,
    restarting,
  };
}

export function establishedConnection(state: PeerState): ConnectionState | undefined {
  return state.connections.find(connection => connection.state === 'Established');
}

const ORDER = ['OpenSent', 'OpenConfirm', 'Established'] as const;

/** The state of the connection that has come furthest, or of the attempt to have one. */
export function sessionState(state: PeerState): SessionState {
  if (!state.started) return 'Idle';
  const furthest = Math.max(-1, ...state.connections.map(connection => ORDER.indexOf(connection.state)));
  if (furthest >= 0) return ORDER[furthest] as SessionState;
  if (state.idle) return 'Idle';
  return state.dial.phase === 'connecting' ? 'Connect' : 'Active';
}

/** When the machine next wants a `tick`, or undefined when no timer runs. */
export function nextDeadline(state: PeerState): number | undefined {
  let next: number | undefined;
  const consider = (at: number | undefined) => {
    if (at !== undefined && (next === undefined || at < next)) next = at;
  };
  consider(state.idle?.until);
  if (state.dial.phase === 'waiting') consider(state.dial.at);
  if (state.dial.phase === 'connecting') consider(state.dial.giveUpAt);
  for (const connection of state.connections) {
    consider(connection.holdAt);
    consider(connection.keepaliveAt);
  }
  return next;
}
