import type { Announcement, BGPAdvertisementConfig, Config } from '@herald/crds';
import { keyOf } from '@herald/kube';
import type { Route } from 'bgp-speaker-lite';
import {
  advertisementsOf,
  type BGPNode,
  merge,
  type PlacedWish,
  type RouteConflict,
  type RoutePlan,
  type Wish,
  wishesOf,
} from './routes.ts';

/** One route to one peer. */
export interface PeerRoute {
  readonly peer: string;
  readonly prefix: string;
  /** Undefined: it is not announced (any more). */
  readonly route: Route | undefined;
}

interface Place {
  readonly peer: string;
  readonly prefix: string;
  /** By Announcement. */
  readonly wishes: Map<string, Wish[]>;
}

/**
 * The routes that this node announces to each of its peers, kept up to date: with ten thousand Services the change of one is worked out for its
 * own prefixes only. An Announcement counts as changed when it is another object, as after an event of its watch.
 */
export class RouteBook {
  readonly #sources = new Map<string, { readonly announcement: Announcement; readonly wishes: readonly PlacedWish[] }>();
  readonly #places = new Map<string, Place>();
  readonly #routes = new Map<string, PeerRoute & { readonly route: Route }>();
  readonly #conflicts = new Map<string, RouteConflict>();
  #config: Config | undefined;
  #node: BGPNode | undefined;

  /** Takes over what is now the case; returns the routes that may be other than before. */
  update(config: Config, announcements: readonly Announcement[], node: BGPNode): PeerRoute[] {
    const dirty = new Set<string>();
    if (config !== this.#config || !sameNode(node, this.#node)) for (const key of this.#sources.keys()) this.#forget(key, dirty);
    this.#config = config;
    this.#node = node;
    const mine = advertisementsOf(config, node);
    const present = new Set<string>();
    for (const announcement of announcements) {
      const key = keyOf(announcement);
      present.add(key);
      if (this.#sources.get(key)?.announcement !== announcement) this.#take(key, announcement, mine, node, dirty);
    }
    for (const key of this.#sources.keys()) if (!present.has(key)) this.#forget(key, dirty);
    return [...dirty].map(id => this.#settle(id));
  }

  /** Every route there is. */
  all(): Iterable<PeerRoute & { readonly route: Route }> {
    return this.#routes.values();
  }

  get conflicts(): readonly RouteConflict[] {
    return [...this.#conflicts.values()].sort((a, b) => (a.peer + a.prefix < b.peer + b.prefix ? -1 : 1));
  }

  /** All of it, by peer. */
  get plan(): RoutePlan {
    const routes = new Map<string, Route[]>();
    for (const { peer, route } of this.#routes.values()) {
      const list = routes.get(peer);
      if (list) list.push(route);
      else routes.set(peer, [route]);
    }
    return { routes, conflicts: this.conflicts };
  }

  #take(
    key: string,
    announcement: Announcement,
    mine: ReadonlyMap<string, BGPAdvertisementConfig>,
    node: BGPNode,
    dirty: Set<string>,
  ): void {
    this.#forget(key, dirty);
    const wishes = wishesOf(announcement, mine, node);
    this.#sources.set(key, { announcement, wishes });
    for (const { peer, prefix, wish } of wishes) {
      const id = `${peer} ${prefix}`;
      let place = this.#places.get(id);
      if (place === undefined) this.#places.set(id, (place = { peer, prefix, wishes: new Map() }));
      const list = place.wishes.get(key);
      if (list) list.push(wish);
      else place.wishes.set(key, [wish]);
      dirty.add(id);
    }
  }

  #forget(key: string, dirty: Set<string>): void {
    for (const { peer, prefix } of this.#sources.get(key)?.wishes ?? []) {
      const id = `${peer} ${prefix}`;
      this.#places.get(id)?.wishes.delete(key);
      dirty.add(id);
    }
    this.#sources.delete(key);
  }

  #settle(id: string): PeerRoute {
    const place = this.#places.get(id) as Place;
    const { peer, prefix, wishes } = place;
    this.#routes.delete(id);
    this.#conflicts.delete(id);
    if (wishes.size === 0) {
      this.#places.delete(id);
      return { peer, prefix, route: undefined };
    }
    const result = merge(peer, prefix, [...wishes.values()].flat());
    if ('attribute' in result) {
      this.#conflicts.set(id, result);
      return { peer, prefix, route: undefined };
    }
    const entry = { peer, prefix, route: result };
    this.#routes.set(id, entry);
    return entry;
  }
}

function sameNode(a: BGPNode, b: BGPNode | undefined): boolean {
  return b !== undefined && textOf(a) === textOf(b);
}

function textOf({ name, labels, peers }: BGPNode): string {
  const sorted = Object.entries(labels).sort(([x], [y]) => (x < y ? -1 : 1));
  return JSON.stringify([name, sorted, [...peers].sort()]);
}
