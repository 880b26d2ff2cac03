import type { Move } from './moves.ts';
import { type MoveState, totals } from './progress.ts';

const BAR = 24;

/** One line per address: what is to move, from where to where. */
export function planLines(moves: readonly Move[]): string[] {
  return columns(moves.map(move => [move.ip, move.protocol, route(move), move.services.join(', ')]));
}

/** One line per address: how far it is. */
export function stateLines(states: readonly MoveState[]): string[] {
  return columns(states.map(state => [state.move.ip, state.move.protocol, routeOf(state), wordOf(state)]));
}

/** `[######------] 3 of 12 addresses moved, 2 draining with 17 flows left, 8 s`. */
export function barLine(states: readonly MoveState[], elapsedMs: number): string {
  const { all, over, draining, flows } = totals(states);
  const filled = all === 0 ? BAR : Math.floor((BAR * over) / all);
  const rest = draining === 0 ? '' : `, ${draining} draining with ${counted(flows, 'flow')} left`;
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}] ${over} of ${counted(all, 'address', 'addresses')} moved${rest}, ${Math.floor(elapsedMs / 1000)} s`;
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function wordOf({ phase, flows }: MoveState): string {
  if (phase === 'draining') return flows === undefined ? 'draining' : `draining, ${counted(flows, 'flow')} left`;
  return { waiting: 'waiting', done: 'moved', gone: 'not announced any more' }[phase];
}

function routeOf({ move, owner }: MoveState): string {
  return owner === undefined || owner === move.from ? route(move) : route({ ...move, to: owner });
}

function route({ from, to }: Move): string {
  return `${from} → ${to ?? 'nobody'}`;
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)));
  return rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
