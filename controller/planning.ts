import { createHash } from 'node:crypto';
import {
  type AnnouncedAddress,
  type AnnouncedReason,
  type AnnouncementReason,
  type Config,
  emptyConfig,
  type L2AdvertisementConfig,
  type Layer2Plan,
  matchesAny,
  type Speaker,
} from '@herald/crds';
import { formatAddress } from '@herald/ip';
import { findCondition, type Wire } from '@herald/kube';
import type { V1Node } from '@kubernetes/client-node';
import type { DesiredAnnouncement } from './announcement-writer.ts';
import type { Assigner } from './assigner.ts';
import type { Caches } from './caches.ts';
import { canonical } from './canonical.ts';
import type { Service } from './service-status.ts';

export interface PlanningOptions {
  caches: Caches;
  assigner: Assigner;
  service: (key: string) => Service | undefined;
}

interface Refusal {
  reason: AnnouncedReason;
  message: string;
}

const drainAnnotation = 'heraldlb.io/drain';
const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** What of a Node the plan depends on: kubelets write the rest of it all the time. */
export function relevantOfNode({ metadata, status }: Wire<V1Node>): string {
  const conditions = (status?.conditions ?? []).filter(({ type }) => type === 'Ready' || type === 'NetworkUnavailable');
  return canonical([
    metadata.labels ?? {},
    metadata.annotations?.[drainAnnotation] ?? '',
    conditions.map(({ type, status }) => [type, status]),
  ]);
}

/** What of a Speaker the plan and the condition `Announced` depend on. */
export function relevantOfSpeaker({ status }: Speaker): string {
  const segments = (status?.segments ?? []).map(segment => [segment.interface, segment.segment, segment.fit]);
  const sessions = (status?.sessions ?? []).map(({ peer, state }) => [peer, state === 'Established']);
  return canonical([segments, sessions, findCondition(status?.conditions, 'Ready')?.status ?? '']);
}

/** What the planner plans for each Service, from the caches and the assignments. */
export class Planning {
  readonly #options: PlanningOptions;
  #config: Config = emptyConfig;

  constructor(options: PlanningOptions) {
    this.#options = options;
  }

  speakers(): readonly Speaker[] {
    return this.#options.caches.speakers.list();
  }

  configure(config: Config): Iterable<string> {
    this.#config = config;
    return this.#assigned();
  }

  /** The answers to these Services have changed. */
  assigned(keys: readonly string[]): Iterable<string> {
    return keys;
  }

  endpointsChanged(key: string): Iterable<string> {
    return this.#options.assigner.allocator.has(key) ? [key] : [];
  }

  nodeChanged(_name: string): Iterable<string> {
    return this.#assigned();
  }

  speakerChanged(_name: string): Iterable<string> {
    return this.#assigned();
  }

  /** Null: the Service has no address, so nothing is announced. */
  desired(key: string): DesiredAnnouncement | null {
    const { assigner, service: find } = this.#options;
    const service = find(key);
    const outcome = assigner.allocator.outcome(key);
    if (service === undefined || outcome === undefined || outcome.addresses.length === 0) return null;
    const reasons: AnnouncementReason[] = [];
    const serving = this.#servingNodes(key);
    const addresses = outcome.addresses.map(({ address, pool }): AnnouncedAddress => {
      const ip = formatAddress(address);
      const plan = this.#layer2(ip, pool, service, serving);
      if ('reason' in plan) {
        reasons.push({ ip, ...plan });
        return { ip, pool };
      }
      return { ip, pool, protocols: 'layer2', layer2: plan };
    });
    const keeps = outcome.addresses.filter(({ keep }) => keep).map(({ address }) => formatAddress(address));
    return { spec: reasons.length === 0 ? { addresses } : { addresses, reasons }, nodes: [], keeps };
  }

  #layer2(ip: string, pool: string, service: Service, serving: ReadonlySet<string> | null): Layer2Plan | Refusal {
    const ofPool = this.#config.l2Advertisements.filter(advertisement => advertisement.pools.has(pool));
    if (ofPool.length === 0)
      return { reason: 'NoAdvertisement', message: `no L2Advertisement or BGPAdvertisement selects IPAddressPool ${pool}` };
    const advertisements = ofPool.filter(({ serviceSelectors }) => matchesAny(serviceSelectors, service.metadata.labels ?? {}));
    if (advertisements.length === 0)
      return { reason: 'ServiceNotAdvertised', message: `no advertisement of IPAddressPool ${pool} selects the Service` };
    if (serving === null) return { reason: 'NoReadyEndpoints', message: 'no endpoint of the Service serves' };
    const nodes = this.#options.caches.nodes.list().filter(node => selects(advertisements, node.metadata.labels ?? {}));
    if (nodes.length === 0) return { reason: 'NoEligibleNode', message: 'the nodeSelectors of the advertisements match no node' };
    const allowed = nodes.filter(node => node.metadata.labels?.[excludeLabel] === undefined);
    if (allowed.length === 0) return { reason: 'AllNodesExcluded', message: `each node carries the label ${excludeLabel}` };
    const local = service.spec?.externalTrafficPolicy === 'Local';
    const names = allowed.map(node => node.metadata.name).filter(name => !local || serving.has(name));
    if (names.length === 0)
      return { reason: 'NoLocalEndpoints', message: 'no eligible node has an endpoint that serves (externalTrafficPolicy: Local)' };
    const rank = (name: string) => createHash('sha256').update(`${name}#${ip}`).digest('hex');
    const interfaces = advertisements.some(({ interfaces }) => interfaces.length === 0)
      ? []
      : [...new Set(advertisements.flatMap(({ interfaces }) => interfaces))];
    return { nodes: names.sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, 64), interfaces };
  }

  #servingNodes(key: string): ReadonlySet<string> | null {
    const nodes = new Set<string>();
    let any = false;
    for (const slice of this.#options.caches.slices.byIndex('service', key)) {
      for (const { conditions, nodeName } of slice.endpoints ?? []) {
        if (conditions?.ready === false && conditions.serving !== true) continue;
        any = true;
        if (nodeName !== undefined) nodes.add(nodeName);
      }
    }
    return any ? nodes : null;
  }

  *#assigned(): Iterable<string> {
    for (const service of this.#options.caches.services.list()) {
      const key = `${service.metadata.namespace}/${service.metadata.name}`;
      if (this.#options.assigner.allocator.has(key)) yield key;
    }
  }
}

function selects(advertisements: readonly L2AdvertisementConfig[], labels: Readonly<Record<string, string>>): boolean {
  return advertisements.some(({ nodeSelectors }) => matchesAny(nodeSelectors, labels));
}
