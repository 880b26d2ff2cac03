import type { Announcement, BGPAdvertisementConfig, CommunityValue, Config, Labels } from '@herald/crds';
import { matchesAny } from '@herald/crds';
import { type Address, cidrOf, formatAddress, formatCidr, parseAddress } from '@herald/ip';
import type { Route } from 'bgp-speaker-lite';

/** What one node must know of itself to choose its routes. */
export interface BGPNode {
  readonly name: string;
  readonly labels: Labels;
  /** Names of the peers that this node has sessions with. */
  readonly peers: ReadonlySet<string>;
}

/** Two advertisements, or two Services, want the same prefix announced to a peer with attributes that exclude each other. */
export interface RouteConflict {
  readonly peer: string;
  readonly prefix: string;
  readonly attribute: 'localPref' | 'med' | 'asPathPrepend' | 'nextHop';
  /** What is wanted, and by which advertisement. */
  readonly wants: readonly string[];
  /** `namespace/name` of the Services concerned. */
  readonly services: readonly string[];
}

export interface RoutePlan {
  /** By peer, then sorted by prefix. */
  readonly routes: ReadonlyMap<string, readonly Route[]>;
  readonly conflicts: readonly RouteConflict[];
}

/** Octets per second that one ready endpoint stands for in the link-bandwidth community; only the proportion matters to a router. */
export const BANDWIDTH_PER_ENDPOINT = 1_000_000;

/** One advertisement's wish for one prefix. */
export interface Wish {
  readonly advertisement: BGPAdvertisementConfig;
  readonly service: string;
  readonly endpoints: number;
}

/** A wish, and where it belongs. */
export interface PlacedWish {
  readonly peer: string;
  readonly prefix: string;
  readonly wish: Wish;
}

/** The routes that this node announces to each of its peers, worked out as a whole; {@link RouteBook} does it piece by piece. */
export function routesOf(config: Config, announcements: Iterable<Announcement>, node: BGPNode): RoutePlan {
  const mine = advertisementsOf(config, node);
  const wishes = new Map<string, Map<string, Wish[]>>();
  for (const announcement of announcements) {
    for (const { peer, prefix, wish } of wishesOf(announcement, mine, node)) {
      const byPrefix = wishes.get(peer) ?? new Map<string, Wish[]>();
      wishes.set(peer, byPrefix);
      const list = byPrefix.get(prefix);
      if (list) list.push(wish);
      else byPrefix.set(prefix, [wish]);
    }
  }
  const routes = new Map<string, Route[]>();
  const conflicts: RouteConflict[] = [];
  for (const peer of [...wishes.keys()].sort()) {
    const list: Route[] = [];
    for (const [prefix, all] of [...(wishes.get(peer) as Map<string, Wish[]>)].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const result = merge(peer, prefix, all);
      if ('attribute' in result) conflicts.push(result);
      else list.push(result);
    }
    routes.set(peer, list);
  }
  return { routes, conflicts };
}

/** The advertisements that select the node, by name. */
export function advertisementsOf(config: Config, node: BGPNode): ReadonlyMap<string, BGPAdvertisementConfig> {
  return new Map(config.bgpAdvertisements.filter(ad => matchesAny(ad.nodeSelectors, node.labels)).map(ad => [ad.name, ad]));
}

/** What the addresses of one Service ask this node to announce. */
export function wishesOf(announcement: Announcement, mine: ReadonlyMap<string, BGPAdvertisementConfig>, node: BGPNode): PlacedWish[] {
  const service = `${announcement.metadata.namespace ?? ''}/${announcement.metadata.name ?? ''}`;
  const placed: PlacedWish[] = [];
  for (const { ip: text, bgp: plan } of announcement.spec?.addresses ?? []) {
    if (!plan || (plan.nodes !== undefined && !plan.nodes.includes(node.name))) continue;
    const ip = parseAddress(text);
    const endpoints = plan.weights?.find(weight => weight.node === node.name)?.endpoints ?? 0;
    for (const name of plan.advertisements) {
      const advertisement = mine.get(name);
      if (!advertisement) continue;
      const length = ip.family === 4 ? advertisement.aggregationLength : advertisement.aggregationLengthV6;
      const prefix = formatCidr(cidrOf(masked(ip, length), length));
      for (const peer of advertisement.peers ?? node.peers)
        if (node.peers.has(peer)) placed.push({ peer, prefix, wish: { advertisement, service, endpoints } });
    }
  }
  return placed;
}

/**
 * What several wishes for one prefix come to. Communities are merged; other attributes that differ are a conflict: such a prefix is not announced
 * to that peer, because any choice would be a guess.
 */
export function merge(peer: string, prefix: string, wishes: readonly Wish[]): Route | RouteConflict {
  const family = prefix.includes(':') ? 'ipv6' : 'ipv4';
  const distinct = <T>(read: (ad: BGPAdvertisementConfig) => T): T[] => [...new Set(wishes.map(wish => read(wish.advertisement)))];
  const attributes = {
    localPref: distinct(ad => ad.localPref),
    med: distinct(ad => ad.med),
    asPathPrepend: distinct(ad => ad.asPathPrepend),
    nextHop: distinct(ad => textOf(ad.nextHop[family])),
  };
  for (const [attribute, values] of Object.entries(attributes)) {
    if (values.length > 1) return conflict(peer, prefix, attribute as RouteConflict['attribute'], wishes, family);
  }
  const [localPref] = attributes.localPref;
  const [med] = attributes.med;
  const [asPathPrepend] = attributes.asPathPrepend;
  const [nextHop] = attributes.nextHop;
  const communities = wishes.flatMap(wish => wish.advertisement.communities);
  const standard = unique(communities.flatMap(value => (value.type === 'standard' ? [communityText(value)] : [])));
  const large = unique(communities.flatMap(value => (value.type === 'large' ? [communityText(value)] : [])));
  const weighted = wishes.some(wish => wish.advertisement.weightByEndpoints);
  return {
    prefix,
    ...(typeof nextHop === 'string' ? { nextHop } : {}),
    ...(typeof med === 'number' ? { med } : {}),
    ...(typeof localPref === 'number' ? { localPref } : {}),
    ...(typeof asPathPrepend === 'number' && asPathPrepend > 0 ? { asPathPrepend } : {}),
    ...(standard.length > 0 ? { communities: standard } : {}),
    ...(large.length > 0 ? { largeCommunities: large } : {}),
    ...(weighted ? { linkBandwidth: bandwidth(wishes) } : {}),
  };
}

/** Endpoints count once for each Service behind the prefix; a route without any still gets the smallest share, or a router would fall back to equal ones. */
function bandwidth(wishes: readonly Wish[]): number {
  const byService = new Map(wishes.map(wish => [wish.service, wish.endpoints]));
  const endpoints = [...byService.values()].reduce((sum, count) => sum + count, 0);
  return Math.max(1, endpoints) * BANDWIDTH_PER_ENDPOINT;
}

function conflict(
  peer: string,
  prefix: string,
  attribute: RouteConflict['attribute'],
  wishes: readonly Wish[],
  family: 'ipv4' | 'ipv6',
): RouteConflict {
  const value = (ad: BGPAdvertisementConfig): string =>
    attribute === 'nextHop' ? (textOf(ad.nextHop[family]) ?? "the session's own address") : String(ad[attribute] ?? 'none');
  return {
    peer,
    prefix,
    attribute,
    wants: unique(wishes.map(({ advertisement }) => `${advertisement.name}: ${value(advertisement)}`)),
    services: unique(wishes.map(wish => wish.service)),
  };
}

export function communityText(value: CommunityValue): string {
  return value.type === 'standard' ? `${value.high}:${value.low}` : `${value.global}:${value.local1}:${value.local2}`;
}

function masked(address: Address, length: number): Address {
  const bits = BigInt((address.family === 4 ? 32 : 128) - length);
  return { ...address, value: (address.value >> bits) << bits };
}

function textOf(address: Address | null): string | null {
  return address === null ? null : formatAddress(address);
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}
