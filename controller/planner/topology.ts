import {
  type AnnouncementNode,
  type BGPAdvertisementConfig,
  type Config,
  type L2AdvertisementConfig,
  type Labels,
  matchesAny,
} from '@herald/crds';
import type { Group } from './balancer.ts';
import { bgpEligibility, type Candidate, layer2Eligibility } from './eligibility.ts';
import type { PlannedNode, PlannedSpeaker } from './inputs.ts';
import { byClass, Field, type Ranked, topGroup } from './order.ts';

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
  readonly advertisements: readonly L2AdvertisementConfig[];
  /** Their class may change in place, see {@link Topology.shift}. */
  readonly candidates: readonly Ranked[];
  /** The same as they are now. */
  field: Field;
  /** Those that may come first; an object of this scope's own. */
  readonly top: Group;
  /** Tells it from every other scope, also of earlier topologies. */
  readonly id: number;
}

/** What a change of nodes or speakers comes to that makes nobody eligible or ineligible. */
export interface Shift {
  readonly scopes: ReadonlyMap<Layer2Scope, ScopeShift>;
  /** The names of all candidates that changed. */
  readonly nodes: ReadonlySet<string>;
}

export interface ScopeShift {
  /** Candidates whose class or interfaces changed. */
  readonly changed: readonly Ranked[];
  /** Those of them whose class is better than before. */
  readonly risen: readonly Ranked[];
  /** What `top` is to hold now; whoever keeps the balance sees to it. */
  readonly top: readonly number[];
}

export interface BGPScope extends Scope {
  readonly advertisements: readonly BGPAdvertisementConfig[];
  readonly nodes: readonly string[];
  /** Whether a session could carry the routes at all. */
  readonly hasPeer: boolean;
}

export interface Advertisements {
  readonly layer2: readonly L2AdvertisementConfig[];
  readonly bgp: readonly BGPAdvertisementConfig[];
}

let scopeCount = 0;

/**
 * Advertisements, nodes and speakers, with what follows from them for any Service. Made anew when one of them changes, unless that is a mere
 * {@link Topology.shift}. What
 * a set of advertisements makes eligible is worked out once, whether one Service uses it or ten thousand.
 */
export class Topology {
  /** Sorted. */
  readonly nodeNames: readonly string[];
  readonly #config: PlannerConfig;
  readonly #poolNames: ReadonlySet<string>;
  #nodes: readonly PlannedNode[];
  readonly #speakers: ReadonlyMap<string, PlannedSpeaker>;
  readonly #ignoreExcludeLabel: boolean;
  readonly #rank: (name: string) => { hash: number; index: number };
  readonly #ofPool = new Map<string, Advertisements>();
  readonly #layer2 = new Map<string, Layer2Scope>();
  readonly #bgp = new Map<string, BGPScope>();
  readonly #excluded = new Map<string, readonly AnnouncementNode[]>();
  readonly #groups: Map<string, Group>;
  readonly #tops: Map<string, Group>;

  constructor(
    config: PlannerConfig,
    nodes: Iterable<PlannedNode>,
    speakers: ReadonlyMap<string, PlannedSpeaker>,
    options: {
      ignoreExcludeLabel: boolean;
      rank: (name: string) => { hash: number; index: number };
      groups: Map<string, Group>;
      tops: Map<string, Group>;
    },
  ) {
    this.#config = config;
    this.#poolNames = new Set(config.pools.map(({ name }) => name));
    this.#nodes = byName(nodes);
    this.#speakers = speakers;
    this.#ignoreExcludeLabel = options.ignoreExcludeLabel;
    this.#rank = options.rank;
    this.#groups = options.groups;
    this.#tops = options.tops;
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
      scope = {
        advertisements,
        candidates: ranked,
        excluded,
        selected,
        top: this.#topOf(key, ranked),
        field: new Field(ranked),
        id: scopeCount++,
      };
      this.#layer2.set(key, scope);
    }
    return scope;
  }

  bgp(advertisements: readonly BGPAdvertisementConfig[]): BGPScope {
    const key = keyOf(advertisements);
    let scope = this.#bgp.get(key);
    if (scope === undefined) {
      const eligibility = bgpEligibility(advertisements, this.#nodes, this.#ignoreExcludeLabel);
      scope = { ...eligibility, advertisements, hasPeer: this.#hasPeer(advertisements, new Set(eligibility.nodes), this.#nodes) };
      this.#bgp.set(key, scope);
    }
    return scope;
  }

  /**
   * Takes over a change of nodes or speakers that leaves every node as eligible as it was (a node became NotReady, a speaker appeared,
   * labels changed that nothing selects by), by changing the candidates in place: whoever refers to them sees it. Null, and nothing
   * is changed, where it comes to more than that.
   */
  shift(nodes: Iterable<PlannedNode>): Shift | null {
    const now = byName(nodes);
    if (now.length !== this.#nodes.length || now.some(({ name }, i) => name !== this.nodeNames[i])) return null;
    const updates: { scope: Layer2Scope; from: Ranked; to: Candidate }[] = [];
    for (const scope of this.#layer2.values()) {
      const fresh = layer2Eligibility(scope.advertisements, now, this.#speakers, this.#ignoreExcludeLabel);
      if (fresh.candidates.length !== scope.candidates.length || !sameExclusions(fresh, scope)) return null;
      for (const [i, to] of fresh.candidates.entries()) {
        const from = scope.candidates[i];
        if (from?.name !== to.name) return null;
        if (from.tier !== to.tier || from.score !== to.score || from.interfaces?.join() !== to.interfaces?.join())
          updates.push({ scope, from, to });
      }
    }
    for (const scope of this.#bgp.values()) {
      const fresh = bgpEligibility(scope.advertisements, now, this.#ignoreExcludeLabel);
      if (!sameExclusions(fresh, scope) || this.#hasPeer(scope.advertisements, new Set(fresh.nodes), now) !== scope.hasPeer) return null;
    }
    this.#nodes = now;
    const changes = new Map<Layer2Scope, { changed: Ranked[]; risen: Ranked[] }>();
    for (const { scope, from, to } of updates) {
      const entry = changes.get(scope) ?? { changed: [], risen: [] };
      changes.set(scope, entry);
      entry.changed.push(from);
      if (byClass(to, from) < 0) entry.risen.push(from);
      Object.assign(from, to);
    }
    for (const scope of changes.keys()) scope.field = new Field(scope.candidates);
    const scopes = new Map([...changes].map(([scope, each]) => [scope, { ...each, top: topGroup(scope.candidates) }]));
    return { scopes, nodes: new Set(updates.map(({ to }) => to.name)) };
  }

  /** The top group of a scope: the same object as before, also in an earlier topology, when it holds the same nodes. */
  #topOf(key: string, candidates: readonly Ranked[]): Group {
    const nodes = topGroup(candidates);
    const known = this.#tops.get(key);
    if (known !== undefined && known.nodes.join() === nodes.join()) return known;
    const group = { nodes };
    this.#tops.set(key, group);
    return group;
  }

  /** The group of candidates that may come first; the same object for the same nodes. */
  group(candidates: readonly Ranked[]): Group {
    const nodes = topGroup(candidates);
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

  #hasPeer(advertisements: readonly BGPAdvertisementConfig[], eligible: ReadonlySet<string>, all: readonly PlannedNode[]): boolean {
    const nodes = all.filter(node => eligible.has(node.name));
    return advertisements.some(ad =>
      this.#config.peers.some(
        peer =>
          (ad.peers === null || ad.peers.has(peer.name)) &&
          nodes.some(node => matchesAny(peer.nodeSelectors, node.labels) && matchesAny(ad.nodeSelectors, node.labels)),
      ),
    );
  }
}

function byName(nodes: Iterable<PlannedNode>): PlannedNode[] {
  return [...nodes].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function sameExclusions(a: Scope, b: Scope): boolean {
  if (a.selected !== b.selected || a.excluded.size !== b.excluded.size) return false;
  for (const [name, { reason, message }] of a.excluded) {
    const other = b.excluded.get(name);
    if (other?.reason !== reason || other.message !== message) return false;
  }
  return true;
}

function keyOf(advertisements: readonly { readonly name: string }[]): string {
  return advertisements.map(({ name }) => name).join(' ');
}
