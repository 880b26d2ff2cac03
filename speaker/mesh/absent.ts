import type { Mac } from '../layer2/ethernet.ts';
import type { NodeId } from './packet.ts';
import type { DesiredAddress, Effect, MeshState } from './state.ts';

/** Owners of before this speaker's start that are away themselves are waited for at most so long (ms): others may have been restarted with it. */
const RETURN_WITHIN = 10_000;
/** Between two questions to the kernels of their nodes, and how long an answer counts (ms). */
const ASK = 500;
const FRESH = 1_200;

/**
 * Whether the last owner of an address is waited for, of whom this speaker has heard nothing since it began: it does not know the claim, and
 * so does not hold it. But the node's kernel answers, connections live there, and its speaker may be back any moment.
 */
export function isAwaited(state: MeshState, { lastOwner, hold, order }: DesiredAddress, now: number): boolean {
  if (lastOwner === undefined || !isAbsent(state, lastOwner.node) || !order.includes(lastOwner.node)) return false;
  const answeredAt = state.absentAnswers.get(lastOwner.node);
  return answeredAt !== undefined && now - answeredAt < FRESH && now - state.startedAt < Math.min(hold, RETURN_WITHIN);
}

/** Asks the kernels of last owners that were never heard. */
export function askAbsent(state: MeshState, now: number, fx: Effect[]): void {
  if (now - state.startedAt >= RETURN_WITHIN || now - state.absentAskedAt < ASK) return;
  state.absentAskedAt = now;
  const owners = new Map<NodeId, Mac>();
  for (const { lastOwner, hold } of state.desired.values())
    if (lastOwner !== undefined && hold > 0) owners.set(lastOwner.node, lastOwner.mac);
  for (const { node, addresses } of state.hints) {
    const mac = owners.get(node);
    // Nobody but its own interface is asked: not everybody, and not whoever answers in its place.
    if (mac !== undefined && isAbsent(state, node)) for (const address of addresses) fx.push({ kind: 'ask-kernel', address, mac });
  }
}

/** The host at `address` answered. */
export function noteAbsentAnswer(state: MeshState, address: string, now: number): void {
  if (now - state.startedAt >= RETURN_WITHIN) return;
  for (const { node, addresses } of state.hints) if (addresses.includes(address)) state.absentAnswers.set(node, now);
}

/** Not heard, or heard just now and not proven to hear this node: its claims do not count yet. */
function isAbsent(state: MeshState, node: NodeId): boolean {
  const peer = state.peers.get(node);
  return node !== state.me && (peer === undefined || (peer.liveness !== 'two-way' && peer.echoedAt === Number.NEGATIVE_INFINITY));
}
