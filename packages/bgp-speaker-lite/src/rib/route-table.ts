import type { NamedPrefix } from '../codec/prefix.ts';
import type { ParsedRoute, PathAttributes } from './route.ts';

interface Entry {
  readonly prefix: NamedPrefix;
  /** For every peer that has none of its own. */
  common: PathAttributes | undefined;
  byPeer: Map<string, PathAttributes> | undefined;
}

/** Whom a change concerns: every peer, or those named. */
export type Audience = readonly string[] | undefined;

/** What has changed: told once per prefix and change. */
export type ChangeListener = (prefix: NamedPrefix, audience: Audience) => void;

/** What should be announced to whom. A route for named peers takes the place of the common one there. */
export class RouteTable {
  readonly #entries = new Map<string, Entry>();
  readonly #changed: ChangeListener;

  constructor(changed: ChangeListener) {
    this.#changed = changed;
  }

  /** Prefixes with at least one route. */
  get size(): number {
    return this.#entries.size;
  }

  set({ prefix, attributes }: ParsedRoute, audience: Audience): void {
    let entry = this.#entries.get(prefix.text);
    if (!entry) {
      entry = { prefix, common: undefined, byPeer: undefined };
      this.#entries.set(prefix.text, entry);
    }
    if (!audience) {
      if (entry.common?.key === attributes.key) return;
      entry.common = attributes;
      this.#changed(entry.prefix, undefined);
      return;
    }
    const changed = audience.filter(peer => entry.byPeer?.get(peer)?.key !== attributes.key);
    if (changed.length === 0) return;
    entry.byPeer ??= new Map();
    for (const peer of changed) entry.byPeer.set(peer, attributes);
    this.#changed(entry.prefix, changed);
  }

  /** Withdraws the route from the peers named, or from all. Returns whether there was one. */
  delete(text: string, audience: Audience): boolean {
    const entry = this.#entries.get(text);
    if (!entry) return false;
    if (!audience) {
      this.#entries.delete(text);
      this.#changed(entry.prefix, undefined);
      return true;
    }
    const had = audience.filter(peer => entry.byPeer?.delete(peer));
    if (entry.byPeer?.size === 0) entry.byPeer = undefined;
    if (!entry.common && !entry.byPeer) this.#entries.delete(text);
    if (had.length > 0) this.#changed(entry.prefix, had);
    return had.length > 0;
  }

  /** Makes the table hold exactly these routes, touching only what differs. */
  replace(wanted: readonly { readonly route: ParsedRoute; readonly audience: Audience }[]): void {
    const next = new Map<string, Entry>();
    for (const { route, audience } of wanted) {
      let entry = next.get(route.prefix.text);
      if (!entry) {
        entry = { prefix: route.prefix, common: undefined, byPeer: undefined };
        next.set(route.prefix.text, entry);
      }
      if (!audience) entry.common = route.attributes;
      else {
        entry.byPeer ??= new Map();
        for (const peer of audience) entry.byPeer.set(peer, route.attributes);
      }
    }
    for (const text of this.#entries.keys()) if (!next.has(text)) this.delete(text, undefined);
    for (const [text, entry] of next) this.#merge(text, entry);
  }

  /** The attributes of a prefix towards a peer, or undefined when it is not to be announced there. */
  lookup(text: string, peer: string): PathAttributes | undefined {
    const entry = this.#entries.get(text);
    return entry?.byPeer?.get(peer) ?? entry?.common;
  }

  /** The prefixes there are for a peer. */
  *prefixesFor(peer: string): Generator<NamedPrefix> {
    for (const entry of this.#entries.values()) if (entry.common || entry.byPeer?.has(peer)) yield entry.prefix;
  }

  #merge(text: string, wanted: Entry): void {
    const current = this.#entries.get(text);
    this.#entries.set(text, wanted);
    if (current?.common?.key !== wanted.common?.key) {
      this.#changed(wanted.prefix, undefined);
      return;
    }
    const peers = new Set([...(current?.byPeer?.keys() ?? []), ...(wanted.byPeer?.keys() ?? [])]);
    const changed = [...peers].filter(peer => current?.byPeer?.get(peer)?.key !== wanted.byPeer?.get(peer)?.key);
    if (changed.length > 0) this.#changed(wanted.prefix, changed);
  }
}
