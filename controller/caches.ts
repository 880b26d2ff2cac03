import { type Announcement, METALLB_ABSENT_RETRY, type MetalLBSource, type Speaker } from '@herald/crds';
import {
  type Client,
  endpointSlices,
  Informer,
  type InformerOptions,
  isApiError,
  type KubeObject,
  namespaces,
  nodes,
  type Resource,
  services,
  type Wire,
} from '@herald/kube';
import type { Logger } from '@herald/process';
import type { V1EndpointSlice, V1Namespace, V1Node } from '@kubernetes/client-node';
import { announcements, type ConfigObject, configKinds, metallbConfigKinds, speakers } from './resources.ts';
import { ingressAddresses, type Service } from './service-status.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';

/** Key of the Service that an EndpointSlice belongs to; undefined for one that belongs to none. */
export function serviceOfSlice(slice: Wire<V1EndpointSlice>): string | undefined {
  const name = slice.metadata.labels?.[SERVICE_NAME];
  return name === undefined || name === '' ? undefined : `${slice.metadata.namespace ?? ''}/${name}`;
}

/** Of an EndpointSlice, what anybody here reads: names of pods, zones and hints are most of the memory of a big cluster. */
function readSlice({ metadata, endpoints, ...slice }: Wire<V1EndpointSlice>): Wire<V1EndpointSlice> {
  const { annotations: _a, ownerReferences: _o, generateName: _g, labels, ...rest } = metadata;
  const service = labels?.[SERVICE_NAME];
  return {
    ...slice,
    metadata: { ...rest, ...(service !== undefined && { labels: { [SERVICE_NAME]: service } }) },
    // A slice without endpoints may have null in their place.
    endpoints: (endpoints ?? []).map(
      ({ targetRef: _t, zone: _z, hints: _h, hostname: _n, deprecatedTopology: _d, ...endpoint }) => endpoint,
    ),
  };
}

/** Local copies of everything the controller decides on. */
export class Caches {
  /** Index `address`: those in the status. */
  readonly services: Informer<Service>;
  readonly namespaces: Informer<Wire<V1Namespace>>;
  readonly nodes: Informer<Wire<V1Node>>;
  /** Index `service`: key of the Service. */
  readonly slices: Informer<Wire<V1EndpointSlice>>;
  readonly announcements: Informer<Announcement>;
  readonly speakers: Informer<Speaker>;
  /** One per kind of the configuration, in Herald's namespace only; then MetalLB's in MetalLB's namespace, where those are read. */
  readonly config: readonly Informer<ConfigObject>[];
  readonly #logger: Logger;
  /** The last complaint per resource, so that a lasting one is logged once. */
  readonly #complaints = new Map<string, string>();

  constructor(client: Client, options: { namespace: string; metallb?: MetalLBSource | undefined; logger: Logger }) {
    this.#logger = options.logger;
    const make = <T extends KubeObject>(resource: Resource<T>, more: InformerOptions<T> = {}) =>
      new Informer<T>(client, resource, { ...more, onError: error => this.#complain(resource, error) });
    this.services = make(services, { indexers: { address: ingressAddresses } });
    this.namespaces = make(namespaces);
    // A node's list of images is by far its largest part, and nobody here reads it.
    this.nodes = make(nodes, { transform: node => (delete node.status?.images, node) });
    this.slices = make(endpointSlices, {
      transform: readSlice,
      indexers: {
        service: slice => {
          const key = serviceOfSlice(slice);
          return key === undefined ? [] : [key];
        },
      },
    });
    this.announcements = make(announcements);
    this.speakers = make(speakers);
    const { namespace, metallb } = options;
    const own = configKinds.map(kind => make(kind, { namespace }));
    const foreign = metallb === undefined ? [] : metallbConfigKinds;
    const more = { namespace: metallb?.namespace, absentRetryMs: metallb?.absentRetryMs ?? METALLB_ABSENT_RETRY };
    this.config = [...own, ...foreign.map(kind => make(kind.resource, { ...more, versions: kind.versions }))];
  }

  get all(): readonly Informer<never>[] {
    const { services, namespaces, nodes, slices, announcements, speakers, config } = this;
    return [services, namespaces, nodes, slices, announcements, speakers, ...config] as unknown as Informer<never>[];
  }

  start(signal: AbortSignal): void {
    for (const informer of this.all) informer.start(signal);
  }

  /** True once every cache holds a complete list; false when `signal` aborted before. */
  async synced(signal: AbortSignal): Promise<boolean> {
    const results = await Promise.all(this.all.map(informer => informer.synced(signal)));
    return results.every(synced => synced);
  }

  /** What is still missing, in words; null when everything was read. */
  get missing(): string | null {
    const waiting = this.all.filter(informer => !informer.hasSynced);
    if (waiting.length === 0) return null;
    const because = waiting.find(informer => informer.lastError !== undefined)?.lastError;
    return `waiting for ${waiting.map(informer => informer.resource.plural).join(', ')}${because === undefined ? '' : `: ${because.message}`}`;
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map(informer => informer.stop()));
  }

  #complain(resource: Resource, error: Error): void {
    if (isApiError(error, 'gone')) return;
    const missing = isApiError(error, 'not-found') && resource.group === 'heraldlb.io';
    const message = missing ? `${error.message}: apply the CRDs of Herald (crds/)` : error.message;
    const name = resource.group === 'metallb.io' ? `${resource.plural}.${resource.group}` : resource.plural;
    if (this.#complaints.get(name) === message) return;
    this.#complaints.set(name, message);
    this.#logger.warn({ resource: name }, message);
  }
}
