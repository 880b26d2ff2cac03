import type { AnnouncementNode, Config, Speaker } from '@herald/crds';
import { formatAddress } from '@herald/ip';
import { findCondition } from '@herald/kube';
import type { Outcome } from './allocator/index.ts';
import type { DesiredAnnouncement } from './announcement-writer.ts';
import type { Caches } from './caches.ts';
import { canonical } from './canonical.ts';
import { endpointsOf, nodeOf, type Plan, Planner, type PlannerOptions, speakerOf } from './planner/index.ts';
import type { Service } from './service-status.ts';
import { isOf } from './service-view.ts';
import { unfitNodes } from './unfit.ts';

export interface PlanningOptions {
  caches: Caches;
  planner: PlannerOptions;
  service: (key: string) => Service | undefined;
  outcome: (key: string) => Outcome | undefined;
  /** Called after each settling with the Services whose plan changed. */
  onPlanned: (keys: readonly string[]) => void;
}

/** `Announcement.status.nodes` holds no more. */
const maxNodes = 64;

/** What of a Speaker the condition `Announced` depends on; the rest of its status changes all the time. */
export function relevantOfSpeaker({ status }: Speaker): string {
  const sessions = (status?.sessions ?? []).map(({ peer, state, families }) => [peer, state === 'Established', families ?? []]);
  return canonical([
    sessions,
    status?.routeConflicts ?? [],
    findCondition(status?.conditions, 'Ready')?.status ?? '',
    status?.conflicts ?? [],
    (status?.segments ?? []).map(({ interface: name, fit, unfitReason = '' }) => [name, fit, unfitReason]),
  ]);
}

/** The planner with its surroundings: collects what the caches tell and settles it at the end of the turn. */
export class Planning {
  readonly #options: PlanningOptions;
  readonly #planner: Planner;
  #scheduled: NodeJS.Immediate | undefined;
  #begun = false;

  constructor(options: PlanningOptions) {
    this.#options = options;
    const { announcements } = options.caches;
    const owners = (key: string, ip: string) =>
      (announcements.get(key)?.status?.owners ?? []).flatMap(owner => (owner.ip === ip ? [owner.node] : []));
    this.#planner = new Planner({ owners, ...options.planner });
  }

  /** Tells the planner of all nodes, speakers and endpoints; from now on it settles. */
  begin(): void {
    const { nodes, speakers, slices } = this.#options.caches;
    for (const name of nodes.keys()) this.node(name);
    for (const name of speakers.keys()) this.speaker(name);
    for (const key of slices.indexed('service')) this.endpoints(key);
    this.#begun = true;
  }

  stop(): void {
    this.#begun = false;
    clearImmediate(this.#scheduled);
  }

  configure(config: Config): void {
    this.#planner.configure(config);
    this.#schedule();
  }

  node(name: string): void {
    const node = this.#options.caches.nodes.get(name);
    if (node === undefined) this.#planner.removeNode(name);
    else this.#planner.setNode(nodeOf(node));
    this.#schedule();
  }

  speaker(name: string): void {
    const speaker = this.#options.caches.speakers.get(name);
    if (speaker === undefined) this.#planner.removeSpeaker(name);
    else this.#planner.setSpeaker(speakerOf(speaker));
    this.#schedule();
  }

  endpoints(key: string): void {
    const slices = this.#options.caches.slices.byIndex('service', key);
    if (slices.length === 0) this.#planner.removeEndpoints(key);
    else this.#planner.setEndpoints(key, endpointsOf(slices));
    this.#schedule();
  }

  /** The Service, or the addresses assigned to it, changed. */
  service(key: string): void {
    const service = this.#options.service(key);
    const outcome = this.#options.outcome(key);
    if (service === undefined || outcome === undefined) this.#planner.removeService(key);
    else {
      const addresses = outcome.addresses.map(({ address, pool }) => ({ ip: formatAddress(address), pool }));
      const trafficPolicy = service.spec?.externalTrafficPolicy === 'Local' ? 'Local' : 'Cluster';
      const announcement = this.#options.caches.announcements.get(key);
      const previous = isOf(announcement, service) ? announcement.spec : undefined;
      this.#planner.setService({ key, labels: service.metadata.labels ?? {}, trafficPolicy, addresses }, previous);
    }
    this.#schedule();
  }

  /** What the Announcement of a Service shall be; null: it shall have none. */
  desired(key: string): DesiredAnnouncement | null {
    const plan = this.#planner.plan(key);
    if (plan === null || plan.spec.addresses.length === 0) return null;
    const keeps = (this.#options.outcome(key)?.addresses ?? []).filter(({ keep }) => keep).map(({ address }) => formatAddress(address));
    return { ...plan, nodes: [...plan.nodes, ...this.#unfit(key, plan)].slice(0, maxNodes), keeps };
  }

  /** Planned nodes that judge themselves unfit, while nobody announces: otherwise every loose cable would be a write for every Service. */
  #unfit(key: string, { spec, nodes }: Plan): AnnouncementNode[] {
    const { announcements, speakers } = this.#options.caches;
    const owned = new Set((announcements.get(key)?.status?.owners ?? []).map(({ ip }) => ip));
    const silent = spec.addresses.filter(({ ip, layer2 }) => layer2 !== undefined && !owned.has(ip));
    if (silent.length === 0) return [];
    const known = new Set(nodes.map(({ node }) => node));
    const all = [...speakers.keys()].flatMap(name => speakers.get(name) ?? []);
    const byNode = new Map(silent.flatMap(address => unfitNodes(address, all)).map(each => [each.node, each]));
    return [...byNode.values()].filter(({ node }) => !known.has(node));
  }

  /** Plans at once what is due. */
  settle(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (!this.#begun) return;
    const changes = this.#planner.settle();
    if (changes.length > 0) this.#options.onPlanned(changes.map(({ key }) => key));
  }

  #schedule(): void {
    if (!this.#begun) return;
    this.#scheduled ??= setImmediate(() => this.settle());
  }
}
