import type { NodeId } from './packet.ts';
import type { Candidacies, MeshState } from './state.ts';

/** What the plan says, counted once for each plan: it is asked for with every packet. */
export function candidacies(state: MeshState): Candidacies {
  if (state.candidacies !== undefined) return state.candidacies;
  const shared = new Map<NodeId, number>();
  for (const { order } of state.desired.values()) {
    if (!order.includes(state.me)) continue;
    for (const node of order) shared.set(node, (shared.get(node) ?? 0) + 1);
  }
  state.candidacies = { eligible: shared.size > 0, shared };
  return state.candidacies;
}

/** Whether what this node owns or may own matters to the other: it may own some of that as well. */
export function concerns(state: MeshState, node: NodeId): boolean {
  if (candidacies(state).shared.has(node)) return true;
  for (const vip of state.mine.keys()) if (state.desired.get(vip)?.order.includes(node) === true) return true;
  return false;
}
