import { compareAddresses, parseAddress } from '@herald/ip';
import { byAddress, type ClusterView, couldTake, ownersOf } from './cluster-view.ts';

/** One address that is to be announced by another node. */
export interface Move {
  ip: string;
  /** The layer 2 segment it moves on; undefined for BGP. */
  segment: string | undefined;
  protocol: 'layer2' | 'bgp';
  /** `namespace/name` of the Services that have it. */
  services: readonly string[];
  from: string;
  /** The next owner, or `other nodes` for BGP, whose routes are there already; undefined when nobody can take it. */
  to: string | undefined;
}

/** What `herald drain` of a node would move: the addresses it owns by layer 2, and those it announces by BGP. */
export function drainMoves(view: ClusterView, node: string): Move[] {
  const moves: Move[] = [];
  for (const [ip, { services, announcement }] of byAddress(view)) {
    const plan = announcement.spec.addresses.find(address => address.ip === ip);
    for (const owner of ownersOf(announcement, ip)) {
      const leaving = owner.node === node || owner.draining?.node === node;
      if (!leaving) continue;
      const able = couldTake(view, owner);
      const next = owner.node === node ? plan?.layer2?.nodes.find(other => other !== node && able(other)) : owner.node;
      moves.push({ ip, segment: owner.segment, protocol: 'layer2', services, from: node, to: next });
    }
    if (plan?.bgp === undefined || routesOf(view, node) === 0) continue;
    const { nodes } = plan.bgp;
    if (nodes !== undefined && !nodes.includes(node)) continue;
    const others = view.speakers.filter(({ metadata }) => metadata.name !== node && (nodes === undefined || nodes.includes(metadata.name)));
    const remaining = others.some(({ metadata }) => routesOf(view, metadata.name) > 0);
    moves.push({ ip, segment: undefined, protocol: 'bgp', services, from: node, to: remaining ? 'other nodes' : undefined });
  }
  return moves.sort(compareMoves);
}

/** What `herald rebalance` would move: addresses whose owner is not the first live node of their order. */
export function rebalanceMoves(view: ClusterView): Move[] {
  const moves: Move[] = [];
  for (const [ip, { services, announcement }] of byAddress(view)) {
    const order = announcement.spec.addresses.find(address => address.ip === ip)?.layer2?.nodes ?? [];
    for (const owner of ownersOf(announcement, ip)) {
      const first = order.find(couldTake(view, owner));
      if (first === undefined || first === owner.node) continue;
      moves.push({ ip, segment: owner.segment, protocol: 'layer2', services, from: owner.node, to: first });
    }
  }
  return moves.sort(compareMoves);
}

/** Routes that a node announces to all its peers. */
export function routesOf(view: ClusterView, node: string): number {
  const sessions = view.speakers.find(({ metadata }) => metadata.name === node)?.status?.sessions ?? [];
  return sessions.reduce((sum, { routesAnnounced = 0 }) => sum + routesAnnounced, 0);
}

function compareMoves(a: Move, b: Move): number {
  return compareAddresses(parseAddress(a.ip), parseAddress(b.ip)) || (a.protocol < b.protocol ? 1 : -1);
}
