import type { Authorizer } from './access/rbac.ts';
import type { Environment } from './environment.ts';
import type { ApiObject } from './object.ts';
import type { Registry } from './registry/registry.ts';
import type { Resource } from './registry/resource.ts';
import type { Store } from './storage/store.ts';
import type { Stored } from './storage/stored.ts';

/** What every operation works on: the objects, the kinds, time and chance. */
export interface Cluster {
  store: Store;
  registry: Registry;
  environment: Environment;
  /** Who may what; absent while the cluster is being made. */
  authorizer?: Authorizer;
  /** Ends what works on its own. */
  stop?: () => void;
  /** Stale reads, when a test asked for them: the version that unversioned cache reads of a kind are answered at. */
  staleRevision?: (resource: Resource) => number | undefined;
}

/** An object as a version of its kind shows it. */
const converted = new WeakMap<Stored, Map<Resource, ApiObject>>();
const rendered = new WeakMap<Stored, Map<Resource, string>>();

/** The object as `resource`'s version shows it; not to be changed. */
export function view(resource: Resource, stored: Stored): ApiObject {
  const convert = resource.fromStorage;
  if (convert === undefined) return stored.object;
  return cached(converted, stored, resource, () => convert(stored.object));
}

/** The JSON of the object as `resource`'s version shows it, made once per version of the object. */
export function render(resource: Resource, stored: Stored): string {
  return cached(rendered, stored, resource, () =>
    resource.fromStorage === undefined ? stored.as(stored.object.apiVersion, stored.object.kind) : JSON.stringify(view(resource, stored)),
  );
}

function cached<T>(cache: WeakMap<Stored, Map<Resource, T>>, stored: Stored, resource: Resource, make: () => T): T {
  let versions = cache.get(stored);
  if (versions === undefined) cache.set(stored, (versions = new Map()));
  let value = versions.get(resource);
  if (value === undefined) versions.set(resource, (value = make()));
  return value;
}
