import type { Cluster } from '../cluster.ts';
import type { ApiObject, JsonObject, OwnerReference } from '../object.ts';
import { equal } from '../schema/json.ts';
import type { Family } from '../services/ip.ts';
import { isHeadless, specOf } from '../services/service.ts';
import type { Change, Stored } from '../storage/stored.ts';
import { Actor, KeyedController } from './controller.ts';
import {
  LEGACY_CONTROLLER,
  LEGACY_MANAGED_BY,
  MANAGED_BY,
  matchesSelector,
  type PodEndpoint,
  podEndpoint,
  SERVICE_NAME,
  selects,
} from './endpoint-model.ts';

const SLICES = 'endpointslices.discovery.k8s.io';
const CONTROLLER = 'endpointslice-controller.k8s.io';
const HEADLESS = 'service.kubernetes.io/headless';
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
const MAX_ENDPOINTS = 100;

/** A slice as it should be; `ports` are the same for all its endpoints. */
interface Wanted {
  addressType: Family;
  ports: JsonObject[] | null;
  endpoints: JsonObject[] | null;
}

/** EndpointSlices and Endpoints of Services with a selector, from the pods it selects. */
export class EndpointController extends KeyedController {
  readonly #actor: Actor;
  readonly #legacy: boolean;
  /** Names of a Service's slices, so that a change does not look through all slices of the namespace. */
  readonly #slices = new Map<string, Set<string>>();
  readonly #selecting = new Map<string, Set<string>>();

  /** `legacy`: Endpoints are written besides EndpointSlices. */
  constructor(cluster: Cluster, legacy: boolean, onError: (error: unknown, key: string) => void) {
    super(cluster, onError);
    this.#legacy = legacy;
    this.#actor = new Actor(cluster, 'endpointslice-controller');
  }

  protected override enqueueAll(): void {
    for (const stored of this.cluster.store.table(SLICES).list()) this.#indexSlice(stored.object, true);
    for (const stored of this.cluster.store.table('services').list()) this.#service(stored.object);
  }

  protected override observe({ type, resource, current, previous }: Change): void {
    if (resource === 'services') this.#service(current.object, type === 'DELETED');
    else if (resource === SLICES) this.#slice(type, current.object);
    else if (resource === 'pods') {
      this.#pod(current.object);
      if (previous !== undefined && !equal(previous.object.metadata.labels, current.object.metadata.labels)) this.#pod(previous.object);
    } else if (resource === 'nodes' && type !== 'MODIFIED') this.#node(current.name);
  }

  #service(service: ApiObject, deleted = false): void {
    const { namespace = '', name = '' } = service.metadata;
    let names = this.#selecting.get(namespace);
    if (deleted || !selects(service)) names?.delete(name);
    else {
      if (names === undefined) this.#selecting.set(namespace, (names = new Set()));
      names.add(name);
    }
    if (!deleted) this.queue.add(`${namespace}/${name}`);
    else this.#dropLegacy(namespace, name);
  }

  /** Endpoints have no owner; what this controller made of a Service goes with it. */
  #dropLegacy(namespace: string, name: string): void {
    const stored = this.cluster.store.get('endpoints', namespace, name);
    if (stored?.object.metadata.labels?.[LEGACY_MANAGED_BY] === LEGACY_CONTROLLER) this.cluster.store.remove('endpoints', stored);
  }

  #pod(pod: ApiObject): void {
    const { namespace = '', labels } = pod.metadata;
    for (const name of this.#selecting.get(namespace) ?? []) {
      const service = this.cluster.store.get('services', namespace, name);
      if (service !== undefined && matchesSelector(specOf(service.object).selector ?? {}, labels)) this.queue.add(`${namespace}/${name}`);
    }
  }

  /** A node that comes or goes takes its pods' endpoints with it. */
  #node(name: string): void {
    for (const pod of this.cluster.store.table('pods').list()) {
      if ((pod.object['spec'] as JsonObject | undefined)?.['nodeName'] === name) this.#pod(pod.object);
    }
  }

  #slice(type: string, slice: ApiObject): void {
    this.#indexSlice(slice, type !== 'DELETED');
    const { namespace = '', labels } = slice.metadata;
    if (labels?.[MANAGED_BY] === CONTROLLER) this.queue.add(`${namespace}/${labels[SERVICE_NAME]}`);
  }

  #indexSlice(slice: ApiObject, present: boolean): void {
    const { namespace = '', name = '', labels } = slice.metadata;
    if (labels?.[MANAGED_BY] !== CONTROLLER) return;
    const key = `${namespace}/${labels[SERVICE_NAME]}`;
    let names = this.#slices.get(key);
    if (!present) {
      names?.delete(name);
      if (names?.size === 0) this.#slices.delete(key);
      return;
    }
    if (names === undefined) this.#slices.set(key, (names = new Set()));
    names.add(name);
  }

  protected override sync(key: string): void {
    const [namespace = '', name = ''] = key.split('/', 2);
    const service = this.cluster.store.get('services', namespace, name);
    if (service === undefined || service.object.metadata.deletionTimestamp !== undefined || !this.#isAlive(namespace)) return;
    if (!selects(service.object)) {
      for (const slice of this.#own(key, namespace)) this.cluster.store.remove(SLICES, slice);
      return;
    }
    const byFamily = (specOf(service.object).ipFamilies ?? []).map(family => [family, this.#endpoints(service.object, family)] as const);
    const own = this.#own(key, namespace);
    for (const [family, endpoints] of byFamily) this.#reconcile(service.object, family, endpoints, own);
    const families = new Set(byFamily.map(([family]) => family));
    for (const slice of own) if (!families.has(slice.object['addressType'] as Family)) this.cluster.store.remove(SLICES, slice);
    if (this.#legacy) this.#reconcileLegacy(service.object, byFamily[0]?.[1] ?? []);
  }

  #isAlive(namespace: string): boolean {
    const stored = this.cluster.store.get('namespaces', '', namespace);
    return stored !== undefined && stored.object.metadata.deletionTimestamp === undefined;
  }

  #own(key: string, namespace: string): Stored[] {
    return [...(this.#slices.get(key) ?? [])].flatMap(name => this.cluster.store.get(SLICES, namespace, name) ?? []);
  }

  #endpoints(service: ApiObject, family: Family): PodEndpoint[] {
    const { selector = {} } = specOf(service);
    const { store } = this.cluster;
    const found: PodEndpoint[] = [];
    for (const pod of store.table('pods').list(service.metadata.namespace)) {
      if (!matchesSelector(selector, pod.object.metadata.labels)) continue;
      const endpoint = podEndpoint(service, pod.object, family, node => node !== '' && store.get('nodes', '', node) !== undefined);
      if (endpoint !== undefined) found.push(endpoint);
    }
    return found;
  }

  #reconcile(service: ApiObject, family: Family, endpoints: readonly PodEndpoint[], own: readonly Stored[]): void {
    const free = own.filter(slice => slice.object['addressType'] === family);
    const wanted = slicesOf(family, endpoints);
    // A slice that is right already is left alone; the others are rewritten in turn.
    const left = wanted.filter(want => {
      const match = free.findIndex(slice => sameContent(slice.object, want));
      if (match < 0) return true;
      const [slice] = free.splice(match, 1);
      if (slice !== undefined && !equal(slice.object.metadata.labels, sliceLabels(service))) this.#rewrite(slice, service, want);
      return false;
    });
    for (const want of left) {
      const slice = free.shift();
      if (slice === undefined) this.#create(service, want);
      else this.#rewrite(slice, service, want);
    }
    for (const slice of free) this.cluster.store.remove(SLICES, slice);
  }

  #create(service: ApiObject, want: Wanted): void {
    const { name = '', namespace = '' } = service.metadata;
    const annotations = { [TRIGGER_TIME]: service.metadata.creationTimestamp ?? '' };
    const metadata = { generateName: `${name}-`, labels: sliceLabels(service), annotations, ownerReferences: [ownerOf(service)] };
    const slice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, ...want };
    this.#actor.create(this.#actor.resource('discovery.k8s.io', 'v1', 'endpointslices'), namespace, slice);
  }

  #rewrite(slice: Stored, service: ApiObject, want: Wanted): void {
    this.#actor.change(this.#actor.resource('discovery.k8s.io', 'v1', 'endpointslices'), slice, object => {
      Object.assign(object, want);
      object.metadata.labels = sliceLabels(service);
      object.metadata.generation = (object.metadata.generation ?? 0) + 1;
    });
  }

  #reconcileLegacy(service: ApiObject, endpoints: readonly PodEndpoint[]): void {
    const { name = '', namespace = '' } = service.metadata;
    const subsets = subsetsOf(endpoints);
    const stored = this.cluster.store.get('endpoints', namespace, name);
    const resource = this.#actor.resource('', 'v1', 'endpoints');
    if (stored === undefined) {
      const labels = { ...service.metadata.labels, [LEGACY_MANAGED_BY]: LEGACY_CONTROLLER };
      const metadata = { name, labels, annotations: { [TRIGGER_TIME]: service.metadata.creationTimestamp ?? '' } };
      this.#actor.create(resource, namespace, {
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata,
        ...(subsets.length === 0 ? {} : { subsets }),
      });
    } else if (!equal(stored.object['subsets'] ?? [], subsets)) {
      this.#actor.change(resource, stored, object => {
        if (subsets.length === 0) delete object['subsets'];
        else object['subsets'] = subsets;
      });
    }
  }
}

const ownerOf = ({ metadata: { name = '', uid = '' } }: ApiObject): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'Service',
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
});

function sliceLabels(service: ApiObject): Record<string, string> {
  return {
    ...service.metadata.labels,
    [MANAGED_BY]: CONTROLLER,
    [SERVICE_NAME]: service.metadata.name ?? '',
    ...(isHeadless(specOf(service)) ? { [HEADLESS]: '' } : {}),
  };
}

/** Endpoints with the same ports share slices; a Service without any has one that is empty. */
function slicesOf(addressType: Family, endpoints: readonly PodEndpoint[]): Wanted[] {
  const groups = new Map<string, PodEndpoint[]>();
  for (const endpoint of endpoints) {
    const key = JSON.stringify(endpoint.ports);
    groups.set(key, [...(groups.get(key) ?? []), endpoint]);
  }
  const slices: Wanted[] = [];
  for (const group of groups.values()) {
    for (let start = 0; start < group.length; start += MAX_ENDPOINTS) {
      const ports = (group[0]?.ports ?? []).map(port => ({ ...port }));
      slices.push({ addressType, ports, endpoints: group.slice(start, start + MAX_ENDPOINTS).map(sliceEndpoint) });
    }
  }
  return slices.length === 0 ? [{ addressType, ports: null, endpoints: null }] : slices;
}

const sliceEndpoint = ({ address, ready, serving, terminating, nodeName, hostname, target }: PodEndpoint): JsonObject => ({
  addresses: [address],
  conditions: { ready, serving, terminating },
  ...(hostname === '' ? {} : { hostname }),
  targetRef: { ...target },
  nodeName,
});

const sameContent = (slice: ApiObject, want: Wanted): boolean =>
  equal(slice['endpoints'], want.endpoints) && equal(slice['ports'], want.ports);

const addressOf = ({ address, nodeName, target }: PodEndpoint): JsonObject => ({ ip: address, nodeName, targetRef: { ...target } });

/** The legacy form: addresses with the same ports together, ready and not ready apart. */
function subsetsOf(endpoints: readonly PodEndpoint[]): JsonObject[] {
  const groups = new Map<string, PodEndpoint[]>();
  for (const endpoint of endpoints) {
    if (endpoint.terminating) continue;
    const key = JSON.stringify(endpoint.ports);
    groups.set(key, [...(groups.get(key) ?? []), endpoint]);
  }
  return [...groups.values()].map(group => {
    const ready = group.filter(endpoint => endpoint.ready).map(addressOf);
    const notReady = group.filter(endpoint => !endpoint.ready).map(addressOf);
    const ports = (group[0]?.ports ?? []).map(({ name, ...port }) => ({ ...(name === '' ? {} : { name }), ...port }));
    return {
      ...(ready.length === 0 ? {} : { addresses: ready }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
      ...(ports.length === 0 ? {} : { ports }),
    };
  });
}
