import type { Company, MeshState } from './state.ts';
import { detection } from './timers.ts';

/** Peers gone for longer are known to be dead: a gateway that falls silent later does not mean that we are cut off (ms). */
const RECENT_COMPANY = 5_000;

/** Between two questions to everybody for a gateway that has been silent for long (ms). */
const SEARCH = 1_000;

/** Somebody beyond this node was heard within 2 T; where nobody can be asked, the carrier alone counts. */
export function uplinkFresh(state: MeshState, now: number): boolean {
  const { uplink } = state;
  return uplink.carrier && (!uplink.probed || now - uplink.seenAt < 2 * state.timers.interval);
}

/**
 * What this node tells others of its uplink. One that has just started and whose gateway has not answered yet does not know: if it said
 * that it has one, a silent gateway would look like the fault of everybody else.
 */
export function uplinkProven(state: MeshState, now: number): boolean {
  const { uplink } = state;
  return uplinkFresh(state, now) && (uplink.probed || !uplink.expected);
}

/** This node has had no uplink for the detection time and the fault is its own: others have one, or all are gone at once. */
export function mustFence(state: MeshState, { heard }: Company, now: number): boolean {
  const { uplink } = state;
  if (!uplink.carrier) return true;
  if (!uplink.probed || now - uplink.seenAt < detection(state.timers)) return false;
  if (heard === 0) return now - state.companyAt < RECENT_COMPANY;
  return othersUp(state, now);
}

/** None of those who are heard and do not hear this node has an uplink, while the gateway hears this node and is heard: the fault is theirs. */
export function othersAreDeaf(state: MeshState, { up }: Company, now: number): boolean {
  return state.uplink.expected && state.uplink.probed && uplinkFresh(state, now) && !up;
}

/** Whether this node may take an address: it has an uplink, or nobody has (a gateway down for all is not its fault). */
export function able(state: MeshState, { live }: Company, now: number): boolean {
  if (!state.uplink.carrier) return false;
  return uplinkFresh(state, now) || (live > 0 && !othersUp(state, now));
}

/** Call it at every tick, before anything is decided. */
export function noteOthersUplink(state: MeshState, { up }: Company, now: number): void {
  if (up) state.othersUpSince ??= now;
  else state.othersUpSince = undefined;
}

/** Others have an uplink, and have had it for longer than it takes us to ask: a gateway that returns does not answer everybody at once. */
function othersUp(state: MeshState, now: number): boolean {
  return state.othersUpSince !== undefined && now - state.othersUpSince >= state.timers.interval;
}

/**
 * How often everybody is asked for a gateway that has been silent for long (ms): as often as one that answers once others say that they
 * have found theirs. Nobody is to count as cut off because its own question is due later than theirs.
 */
export function searchInterval({ timers, othersUpSince }: MeshState, now: number): number {
  const hasReturned = othersUpSince !== undefined && now - othersUpSince < detection(timers);
  return hasReturned ? timers.interval / 2 : SEARCH;
}

/** A gateway or witness answered. */
export function noteUplink(state: MeshState, now: number): void {
  state.uplink.probed = true;
  state.uplink.seenAt = now;
}
