import { type AnnouncedAddress, type BGPAdvertisementConfig, type Config, type Labels, matchesAny, type Speaker } from '@herald/crds';
import { cidrRange, parseCidr, type Range, rangeContains, tryParseAddress } from '@herald/ip';

/** A node, as far as its sessions depend on it. */
export interface SessionNode {
  readonly name: string;
  readonly labels: Labels;
  /** What the speaker of a node that is not Ready last reported is not believed: nobody is there to take it back. */
  readonly ready: boolean;
}

/** What the sessions that should carry an address come to. Names of BGPPeers, sorted. */
export interface Carriage {
  /** At least one node announces it to them. */
  readonly to: readonly string[];
  /** Established on some node, but without the family of the address. */
  readonly withoutFamily: readonly string[];
  /** Down on every node that reports them. */
  readonly down: readonly string[];
}

/** A route that is not announced because advertisements contradict each other. */
export interface RouteConflict {
  readonly node: string;
  readonly peer: string;
  readonly prefix: string;
  readonly message: string;
}

const MAX_KEPT = 20_000;

/** The sessions that the speakers report, set against what the advertisements ask of them. Made anew when any of that changes. */
export class BGPSessions {
  readonly #ads: ReadonlyMap<string, BGPAdvertisementConfig>;
  readonly #nodes: ReadonlyMap<string, SessionNode>;
  readonly #speakers: readonly Speaker[];
  readonly #conflicts: readonly (RouteConflict & { readonly range: Range })[];
  /** Services by the thousand ask the same. */
  readonly #carriages = new Map<string, Carriage>();

  constructor(config: Pick<Config, 'bgpAdvertisements'>, nodes: Iterable<SessionNode>, speakers: readonly Speaker[]) {
    this.#ads = new Map(config.bgpAdvertisements.map(ad => [ad.name, ad]));
    this.#nodes = new Map([...nodes].filter(({ ready }) => ready).map(node => [node.name, node]));
    this.#speakers = speakers.filter(({ metadata, status }) => this.#nodes.has(metadata.name) && (status?.sessions ?? []).length > 0);
    this.#conflicts = this.#speakers.flatMap(({ metadata, status }) =>
      (status?.routeConflicts ?? []).flatMap(({ peer, prefix, message }) => {
        const range = rangeOf(prefix);
        return range === undefined ? [] : [{ node: metadata.name, peer, prefix, message, range }];
      }),
    );
  }

  /** Which peers an address is announced to, and why not to others. */
  carriage({ ip, bgp }: AnnouncedAddress): Carriage {
    if (bgp === undefined) return { to: [], withoutFamily: [], down: [] };
    const family = ip.includes(':') ? 'ipv6' : 'ipv4';
    const key = `${family} ${bgp.advertisements.join()} ${bgp.nodes?.join() ?? '*'}`;
    let carriage = this.#carriages.get(key);
    if (carriage === undefined) {
      if (this.#carriages.size >= MAX_KEPT) this.#carriages.clear();
      this.#carriages.set(key, (carriage = this.#look(bgp, family)));
    }
    return carriage;
  }

  /** The routes of an address that some node does not announce because advertisements contradict each other. */
  conflicts({ ip, bgp }: AnnouncedAddress): readonly RouteConflict[] {
    const address = this.#conflicts.length === 0 || bgp === undefined ? undefined : tryParseAddress(ip);
    if (address === undefined) return [];
    return this.#conflicts.filter(({ node, range }) => (bgp?.nodes?.includes(node) ?? true) && rangeContains(range, address));
  }

  #look({ advertisements, nodes }: NonNullable<AnnouncedAddress['bgp']>, family: 'ipv4' | 'ipv6'): Carriage {
    const ads = advertisements.flatMap(name => this.#ads.get(name) ?? []);
    const to = new Set<string>();
    const withoutFamily = new Set<string>();
    const down = new Set<string>();
    for (const { metadata, status } of this.#speakers) {
      const node = this.#nodes.get(metadata.name);
      if (node === undefined || nodes?.includes(node.name) === false) continue;
      const mine = ads.filter(ad => matchesAny(ad.nodeSelectors, node.labels));
      for (const { peer, state, families } of status?.sessions ?? []) {
        if (!mine.some(ad => ad.peers?.has(peer) ?? true)) continue;
        if (state !== 'Established') down.add(peer);
        else if (families?.includes(family) ?? true) to.add(peer);
        else withoutFamily.add(peer);
      }
    }
    const carried = [...to].sort();
    const without = [...withoutFamily].filter(peer => !to.has(peer)).sort();
    return { to: carried, withoutFamily: without, down: [...down].filter(peer => !to.has(peer) && !withoutFamily.has(peer)).sort() };
  }
}

/** What a speaker of another version wrote is not believed to be a prefix. */
function rangeOf(prefix: string): Range | undefined {
  try {
    return cidrRange(parseCidr(prefix));
  } catch {
    return undefined;
  }
}
