import type { Cluster } from '../cluster.ts';
import { timestamp } from '../environment.ts';
import { ApiStatusError, alreadyExists, invalidObject, required } from '../errors.ts';
import { setDefaults, trackFields, validate } from '../machinery.ts';
import type { ApiObject } from '../object.ts';
import { apiVersionOf, errorKind, errorTarget, type Resource } from '../registry/resource.ts';
import { Stored } from '../storage/stored.ts';
import { checkNamespace } from './namespace.ts';
import { type Write, WriteScope } from './write.ts';

/** Longest prefix that `generateName` keeps in front of its 5 random characters. */
const MAX_GENERATED_PREFIX = 58;
const GENERATE_ATTEMPTS = 8;

/** Creates a decoded object, which then belongs to the store. `managed`: its managedFields are in it already. */
export function create(cluster: Cluster, resource: Resource, namespace: string, object: ApiObject, write: Write, managed = false): Stored {
  const { strategy } = resource;
  const now = timestamp(cluster.environment.now());
  const scope = new WriteScope(write, now);
  return scope.run(() => {
    checkNamespace(cluster, resource, namespace, object.metadata.name ?? '');
    if (resource.namespaced) object.metadata.namespace = namespace;
    else delete object.metadata.namespace;
    setDefaults(resource, object);
    const next = managed ? object : trackFields(resource, undefined, object, { manager: write.fieldManager, subresource: '', now });
    return insert(cluster, resource, next, scope);
  });

  function insert(cluster: Cluster, resource: Resource, next: ApiObject, scope: WriteScope): Stored {
    const { metadata } = next;
    strategy.admitCreate?.(next, scope);
    const resourceVersion = metadata.resourceVersion ?? '';
    nameObject(cluster, resource, next);
    metadata.uid = cluster.environment.uuid();
    metadata.creationTimestamp = now;
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
    delete metadata.resourceVersion;
    delete metadata['selfLink' as 'name'];
    if (strategy.generation) metadata.generation = 1;
    else delete metadata.generation;
    if (resource.custom !== undefined && strategy.status) delete next['status'];
    const taken = cluster.store.get(resource.storage, metadata.namespace ?? '', metadata.name ?? '') !== undefined;
    strategy.begin?.(next, undefined, scope);
    strategy.prepareCreate?.(next, scope);
    const kind = errorKind(resource);
    const name = metadata.name ?? '';
    if (name === '') throw invalidObject(kind, '', [required('metadata.name', 'name or generateName is required')]);
    const causes = [...validate(resource, next, undefined), ...(strategy.validateCreate?.(next, scope) ?? [])];
    if (causes.length > 0) throw invalidObject(kind, name, causes);
    for (const text of strategy.warnings?.(next, undefined) ?? []) scope.warn(text);
    // What is no number is no version either, and is dropped.
    if (/^\d+$/.test(resourceVersion) && resourceVersion !== '0') {
      throw new ApiStatusError(500, '', 'resourceVersion should not be set on objects to be created');
    }
    if (taken) throw alreadyExists(errorTarget(resource), name);
    const stored = toStorage(resource, next);
    return write.dryRun ? new Stored(stored, 0) : cluster.store.put(resource.storage, stored);
  }
}

/** Completes `generateName`, trying again when the name is taken. */
function nameObject(cluster: Cluster, resource: Resource, object: ApiObject): void {
  const { metadata } = object;
  const prefix = metadata.generateName ?? '';
  if (prefix === '' || (metadata.name ?? '') !== '') return;
  for (let attempt = 0; attempt < GENERATE_ATTEMPTS; attempt++) {
    metadata.name = prefix.slice(0, MAX_GENERATED_PREFIX) + cluster.environment.suffix();
    if (cluster.store.get(resource.storage, metadata.namespace ?? '', metadata.name) === undefined) return;
  }
}

/** The form in which an object is kept, with `apiVersion` and `kind` in place. */
export function toStorage(resource: Resource, object: ApiObject): ApiObject {
  object.apiVersion = apiVersionOf(resource);
  object.kind = resource.kind;
  return resource.toStorage === undefined ? object : resource.toStorage(object);
}
