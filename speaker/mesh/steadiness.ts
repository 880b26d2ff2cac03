import type { NodeId } from './packet.ts';
import type { MeshState, Peer } from './state.ts';

/** A preferred node takes addresses back when it has been in order for so long (ms); twice as long for each time it was lost lately. */
const STEADY = 3_000;
const DOUBLINGS = 7;
/** Losses count half after so long (ms). */
const HALF_LIFE = 300_000;

/** How reliable a node has been. */
export interface Steadiness {
  /** Since when it has been in order; undefined: it is not. */
  since: number | undefined;
  /** Recent losses, as of `at`. */
  losses: number;
  at: number;
}

/** Whether a node is likely to stay: one that comes and goes must not pull addresses back and forth. */
export function isSteady(state: MeshState, node: NodeId, now: number): boolean {
  const steadiness = state.steadiness.get(node);
  if (steadiness?.since === undefined) return false;
  const losses = decayed(steadiness, steadiness.since);
  return now - steadiness.since >= STEADY * 2 ** Math.min(DOUBLINGS, Math.round(losses));
}

/** Keeps account of whether a peer comes and goes. */
export function noteSteadiness(state: MeshState, peer: Peer, now: number): void {
  const fit = peer.liveness === 'two-way' && !peer.left && !peer.draining && !peer.listening && peer.uplinkOk;
  if (fit === peer.fit) return;
  peer.fit = fit;
  const known = state.steadiness.get(peer.id);
  if (known === undefined) {
    if (fit) state.steadiness.set(peer.id, { since: now, losses: 0, at: now });
  } else if (fit) known.since ??= now;
  else if (known.since !== undefined) {
    known.since = undefined;
    // A speaker that restarts on a node that goes on is no loss, nor is a gateway that falls silent.
    if (peer.liveness === 'held' || peer.liveness === 'two-way' || peer.restarting) return;
    known.losses = decayed(known, now) + 1;
    known.at = now;
  }
}

/** A loss long ago is none. */
function decayed({ losses, at }: Steadiness, now: number): number {
  return losses * 0.5 ** ((now - at) / HALF_LIFE);
}
