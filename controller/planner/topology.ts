import {
  type AnnouncementNode,
  type BGPAdvertisementConfig,
  type Config,
  type L2AdvertisementConfig,
  type Labels,
  matchesAny,
} from '@herald/crds';
import type { Group } from './balancer.ts';
import { bgpEligibility, layer2Eligibility } from './eligibility.ts';
import type { PlannedNode, PlannedSpeaker } from './inputs.ts';
import { type Ranked, topGroup } from './order.ts';

/** What the planner needs of the resolved configuration. */
export type PlannerConfig = Pick<Config, 'l2Advertisements' | 'bgpAdvertisements' | 'peers'> & {
  readonly pools: readonly { readonly name: string }[];
};

interface Scope {
  /** Every node that may not announce, and why. */
  readonly excluded: ReadonlyMap<string, AnnouncementNode>;
  /** How many nodes the nodeSelectors select. */
  readonly selected: number;
}

export interface Layer2Scope extends Scope {
  readonly candidates: readonly Ranked[];
  /** Those that may come first. */
  readonly top: Group;
}

export interface BGPScope extends Scope {
  readonly nodes: readonly string[];
  /** Whether a session could carry the routes at all. */
  readonly hasPeer: boolean;
}

export interface Advertisements {
  readonly layer2: readonly L2AdvertisementConfig[];
  readonly bgp: readonly BGPAdvertisementConfig[];
}

/**
 * Advertisements, nodes and speakers, with what follows from them for any Service. Immutable: made anew when one of them changes. What
 * a set of advertisements makes eligible is worked out once, whether one Service uses it or ten thousand.
 */
export class Topology {
  /** Sorted. */
  readonly nodeNames: readonly string[];
  readonly #config: PlannerConfig;
  readonly #poolNames: ReadonlySet<string>;
  readonly #nodes: readonly PlannedNode[];
  readonly #speakers: ReadonlyMap<string, PlannedSpeaker>;
  readonly #ignoreExcludeLabel: boolean;
  readonly #rank: (name: string) => { hash: number; index: number };
  readonly #ofPool = new Map<string, Advertisements>();
  readonly #layer2 = new Map<string, Layer2Scope>();
  readonly #bgp = new Map<string, BGPScope>();
  readonly #excluded = new Map<string, readonly AnnouncementNode[]>();
  readonly #groups: Map<string, Group>;

  constructor(
    config: PlannerConfig,
    nodes: Iterable<PlannedNode>,
    speakers: ReadonlyMap<string, PlannedSpeaker>,
    options: { ignoreExcludeLabel: boolean; rank: (name: string) => { hash: number; index: number }; groups: Map<string, Group> },
  ) {
    this.#config = config;
    this.#poolNames = new Set(config.pools.map(({ name }) => name));
    this.#nodes = [...nodes].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#speakers = speakers;
    this.#ignoreExcludeLabel = options.ignoreExcludeLabel;
    this.#rank = options.rank;
    this.#groups = options.groups;
    this.nodeNames = this.#nodes.map(({ name }) => name);
  }

  advertisementsOf(pool: string): Advertisements {
    let found = this.#ofPool.get(pool);
    if (found === undefined) {
      // An address kept after its pool is gone (onRemoval: Keep) belongs to the advertisements that select every pool.
      const all = this.#poolNames.size;
      const selects = ({ pools }: { pools: ReadonlySet<string> }) => pools.has(pool) || (!this.#poolNames.has(pool) && pools.size === all);
      found = { layer2: this.#config.l2Advertisements.filter(selects), bgp: this.#config.bgpAdvertisements.filter(selects) };
      this.#ofPool.set(pool, found);
    }
    return found;
  }

  /** Those of the advertisements that select a Service with these labels. */
  advertisementsFor(advertisements: Advertisements, labels: Labels): Advertisements {
    const selects = ({ serviceSelectors }: L2AdvertisementConfig | BGPAdvertisementConfig) => matchesAny(serviceSelectors, labels);
    const { layer2, bgp } = advertisements;
    return layer2.every(selects) && bgp.every(selects) ? advertisements : { layer2: layer2.filter(selects), bgp: bgp.filter(selects) };
  }

  layer2(advertisements: readonly L2AdvertisementConfig[]): Layer2Scope {
    const key = keyOf(advertisements);
    let scope = this.#layer2.get(key);
    if (scope === undefined) {
      const { candidates, excluded, selected } = layer2Eligibility(advertisements, this.#nodes, this.#speakers, this.#ignoreExcludeLabel);
      const ranked = candidates.map(candidate => Object.assign(candidate, this.#rank(candidate.name)));
      scope = { candidates: ranked, excluded, selected, top: this.group(ranked) };
      this.#layer2.set(key, scope);
    }
    return scope;
  }

  bgp(advertisements: readonly BGPAdvertisementConfig[]): BGPScope {
    const key = keyOf(advertisements);
    let scope = this.#bgp.get(key);
    if (scope === undefined) {
      const eligibility = bgpEligibility(advertisements, this.#nodes, this.#ignoreExcludeLabel);
      scope = { ...eligibility, hasPeer: this.#hasPeer(advertisements, new Set(eligibility.nodes)) };
      this.#bgp.set(key, scope);
    }
    return scope;
  }

  /** The group of candidates that may come first; the same object for the same nodes. */
  group(candidates: readonly Ranked[]): Group {
    const nodes = topGroup(candidates).sort((a, b) => a - b);
    const key = nodes.join();
    let group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, (group = { nodes }));
    return group;
  }

  /** Nodes that are excluded from all of the scopes, the first by name; the same array for the same scopes. */
  excludedByAll(scopes: readonly Scope[], limit: number): readonly AnnouncementNode[] {
    const key = scopes.map(scope => this.#idOf(scope)).join();
    let list = this.#excluded.get(key);
    if (list === undefined) {
      list = this.nodeNames
        .flatMap(name => (scopes.every(scope => scope.excluded.has(name)) ? (scopes[0]?.excluded.get(name) ?? []) : []))
        .slice(0, limit);
      this.#excluded.set(key, list);
    }
    return list;
  }

  readonly #ids = new Map<Scope, number>();

  #idOf(scope: Scope): number {
    let id = this.#ids.get(scope);
    if (id === undefined) this.#ids.set(scope, (id = this.#ids.size));
    return id;
  }

  #hasPeer(advertisements: readonly BGPAdvertisementConfig[], eligible: ReadonlySet<string>): boolean {
    const nodes = this.#nodes.filter(node => eligible.has(node.name));
    return advertisements.some(ad =>
      this.#config.peers.some(
        peer =>
          (ad.peers === null || ad.peers.has(peer.name)) &&
          nodes.some(node => matchesAny(peer.nodeSelectors, node.labels) && matchesAny(ad.nodeSelectors, node.labels)),
      ),
    );
  }
}

function keyOf(advertisements: readonly { readonly name: string }[]): string {
  return advertisements.map(({ name }) => name).join(' ');
}
