import { byAddress, type ClusterView, ownersOf } from './cluster-view.ts';
import { type Move, routesOf } from './moves.ts';

/**
 * How far a move is. `waiting`: the old node still answers. `draining`: another one answers new clients, the old one forwards for those
 * it has. `done`: nobody needs the old node any more. `gone`: the address is not announced any more, for another reason than the move.
 */
export type Phase = 'waiting' | 'draining' | 'done' | 'gone';

export interface MoveState {
  move: Move;
  phase: Phase;
  /** Who answers now. */
  owner: string | undefined;
  /** Established flows left on the old node; undefined where they are not counted. */
  flows: number | undefined;
  /** While draining: when it ends at the latest (ms since the epoch), as far as it is known. */
  until?: number;
}

/** Where each move stands. Pure: it is all in what the speakers report. */
export function progress(moves: readonly Move[], view: ClusterView): MoveState[] {
  const addresses = byAddress(view);
  return moves.map(move => {
    const announcement = addresses.get(move.ip)?.announcement;
    if (announcement === undefined) return { move, phase: 'gone', owner: undefined, flows: undefined };
    if (move.protocol === 'bgp') {
      const left = routesOf(view, move.from);
      return { move, phase: left === 0 ? 'done' : 'waiting', owner: left === 0 ? move.to : move.from, flows: undefined };
    }
    const owner = ownersOf(announcement, move.ip).find(({ segment }) => segment === move.segment);
    // Between two owners nobody may be on record for a moment.
    if (owner === undefined) return { move, phase: 'waiting', owner: undefined, flows: undefined };
    if (owner.node === move.from) return { move, phase: 'waiting', owner: owner.node, flows: undefined };
    if (owner.draining?.node === move.from) {
      const { flows, until } = owner.draining;
      return { move, phase: 'draining', owner: owner.node, flows, ...(until !== undefined && { until: Date.parse(until) }) };
    }
    return { move, phase: 'done', owner: owner.node, flows: undefined };
  });
}

export interface Totals {
  all: number;
  over: number;
  draining: number;
  flows: number;
}

export function totals(states: readonly MoveState[]): Totals {
  return {
    all: states.length,
    over: states.filter(({ phase }) => phase === 'done' || phase === 'gone').length,
    draining: states.filter(({ phase }) => phase === 'draining').length,
    flows: states.reduce((sum, { flows }) => sum + (flows ?? 0), 0),
  };
}
