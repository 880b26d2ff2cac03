import type { Announcement, Config } from '@herald/crds';
import { cidrRange, parseAddress, parseCidr, rangeContains } from '@herald/ip';
import { type BGPNode, type RoutePlan, routesOf } from './routes.ts';

/**
 * The routes of a node that is being left, until they are withdrawn: those it had, as they were, for as long as their addresses are announced at
 * all. The plan for the time after, which leaves this node out, may already be here; what is deleted must not be drawn here any longer.
 */
export function lingeringRoutes(before: RoutePlan, config: Config, announcements: readonly Announcement[], node: BGPNode): RoutePlan {
  const wanted = routesOf(config, announcements.map(withoutNodes), node).routes;
  // Where every node is being left, the plan names no advertisements any more.
  const orphans = announcements.flatMap(({ spec }) =>
    (spec?.addresses ?? []).flatMap(({ ip, bgp }) => {
      const left = spec?.reasons?.some(each => each.reason === 'AllNodesExcluded' && (each.ip === undefined || each.ip === ip));
      return bgp === undefined && left ? [parseAddress(ip)] : [];
    }),
  );
  const routes = [...before.routes].map(([peer, list]) => {
    const prefixes = new Set(wanted.get(peer)?.map(({ prefix }) => prefix));
    const stays = ({ prefix }: { prefix: string }) =>
      prefixes.has(prefix) || orphans.some(ip => rangeContains(cidrRange(parseCidr(prefix)), ip));
    return [peer, list.filter(stays)] as const;
  });
  return { routes: new Map(routes), conflicts: before.conflicts };
}

/** An Announcement as if every node might announce. */
function withoutNodes(announcement: Announcement): Announcement {
  const addresses = announcement.spec?.addresses.map(address => {
    if (address.bgp === undefined) return address;
    const { nodes: _, ...bgp } = address.bgp;
    return { ...address, bgp };
  });
  return addresses === undefined ? announcement : { ...announcement, spec: { ...announcement.spec, addresses } };
}
