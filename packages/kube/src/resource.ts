import type {
  CoreV1Event,
  EventsV1Event,
  V1ConfigMap,
  V1CustomResourceDefinition,
  V1EndpointSlice,
  V1Lease,
  V1Namespace,
  V1Node,
  V1Secret,
  V1Service,
} from '@kubernetes/client-node';
import { ApiError } from './api-error.ts';
import type { KubeObject, Ref, Wire } from './wire.ts';

/** Where a kind lives in the API. `T` is the type of its objects. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** API group; empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural, lower case: the path segment. */
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Carries the type only; never set. */
  readonly object?: T;
}

/** Describes a kind: `resource<Wire<V1Service>>({group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true})`. */
export function resource<T extends KubeObject>(definition: Omit<Resource<T>, 'object'>): Resource<T> {
  return Object.freeze({ ...definition });
}

/** `v1` or `group/version`. */
export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** The URL path of a collection (no name) or of one object, percent-encoded. */
export function pathOf(
  resource: Resource,
  ref: { name?: string | undefined; namespace?: string | undefined },
  subresource?: string,
): string {
  const parts = [resource.group === '' ? 'api' : `apis/${resource.group}`, resource.version];
  if (resource.namespaced && ref.namespace !== undefined && ref.namespace !== '')
    parts.push('namespaces', encodeURIComponent(ref.namespace));
  parts.push(resource.plural);
  if (ref.name !== undefined) parts.push(encodeURIComponent(ref.name));
  if (subresource !== undefined) parts.push(subresource);
  return `/${parts.join('/')}`;
}

/** Refuses a reference that would address a collection instead of an object. */
export function requireRef(resource: Resource, ref: Ref): void {
  if (ref.name === '' || ref.name === '.' || ref.name === '..') {
    throw new ApiError('bad-request', `a ${resource.kind} needs a name, not ${JSON.stringify(ref.name)}`);
  }
  if (resource.namespaced && (ref.namespace === undefined || ref.namespace === '')) {
    throw new ApiError('bad-request', `${resource.kind} ${ref.name} needs a namespace`);
  }
}

const core = { group: '', version: 'v1' } as const;

export const services = resource<Wire<V1Service>>({ ...core, plural: 'services', kind: 'Service', namespaced: true });
export const namespaces = resource<Wire<V1Namespace>>({ ...core, plural: 'namespaces', kind: 'Namespace', namespaced: false });
export const nodes = resource<Wire<V1Node>>({ ...core, plural: 'nodes', kind: 'Node', namespaced: false });
export const secrets = resource<Wire<V1Secret>>({ ...core, plural: 'secrets', kind: 'Secret', namespaced: true });
export const configMaps = resource<Wire<V1ConfigMap>>({ ...core, plural: 'configmaps', kind: 'ConfigMap', namespaced: true });
export const coreEvents = resource<Wire<CoreV1Event>>({ ...core, plural: 'events', kind: 'Event', namespaced: true });
export const events = resource<Wire<EventsV1Event>>({
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
});
export const endpointSlices = resource<Wire<V1EndpointSlice>>({
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
});
export const leases = resource<Wire<V1Lease>>({
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
});
export const customResourceDefinitions = resource<Wire<V1CustomResourceDefinition>>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
});
