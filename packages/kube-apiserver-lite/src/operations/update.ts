import { type Cluster, view } from '../cluster.ts';
import { timestamp } from '../environment.ts';
import { ApiStatusError, badRequest, type Cause, conflict, invalid, invalidObject, notFound, OPTIMISTIC_LOCK } from '../errors.ts';
import { isNoop, setDefaults, trackFields, validate } from '../machinery.ts';
import type { ApiObject, ObjectMeta } from '../object.ts';
import { errorKind, errorTarget, type Resource } from '../registry/resource.ts';
import { equal } from '../schema/json.ts';
import { Stored } from '../storage/stored.ts';
import { create, toStorage } from './create.ts';
import { finishRemoval } from './remove.ts';
import { type Write, WriteScope } from './write.ts';

export interface UpdateRequest {
  resource: Resource;
  namespace: string;
  name: string;
  /** `''` or `status`. */
  subresource: string;
  /** Makes the new object out of the stored one (undefined: there is none); it must not change it. */
  next: (live: ApiObject | undefined) => ApiObject;
  /** PUT: `metadata.resourceVersion` is required by kinds that say so. */
  replace: boolean;
  /** managedFields are in `next` already: server-side apply. */
  managed: boolean;
}

export interface UpdateResult {
  stored: Stored;
  created: boolean;
}

/** Changes an object: the way of PUT, every patch, and server-side apply. */
export function update(cluster: Cluster, request: UpdateRequest, write: Write): UpdateResult {
  const { resource, namespace, name, subresource } = request;
  const { strategy } = resource;
  const current = cluster.store.get(resource.storage, namespace, name);
  if (current === undefined) {
    if (!request.managed && !(request.replace && strategy.createOnUpdate && subresource === '')) {
      throw notFound(errorTarget(resource), name);
    }
    if (subresource !== '') throw notFound(errorTarget(resource), name);
    const object = request.next(undefined);
    checkName(object.metadata, name);
    object.metadata.name = name;
    return { stored: create(cluster, resource, namespace, object, write, request.managed), created: true };
  }
  const live = view(resource, current);
  const now = timestamp(cluster.environment.now());
  const scope = new WriteScope(write, now);
  return scope.run(() => {
    let next = request.next(live);
    checkName(next.metadata, name);
    checkNamespaceOf(next.metadata, namespace);
    setDefaults(resource, next);
    checkPreconditions(resource, request, next.metadata, live.metadata);
    if (!request.managed) next = trackFields(resource, live, next, { manager: write.fieldManager, subresource, now });
    strategy.admitUpdate?.(next, live, scope);
    keepSystemFields(next.metadata, live.metadata);
    if (subresource === '') strategy.begin?.(next, live, scope);
    if (subresource === 'status') keepAllButStatus(resource, next, live, scope);
    else keepStatus(resource, next, live, scope);
    const kind = errorKind(resource);
    const causes = [...validate(resource, next, live, subresource), ...strategyCauses(next, live)];
    if (causes.length > 0) throw invalidObject(kind, name, causes);
    for (const text of strategy.warnings?.(next, live) ?? []) scope.warn(text);
    if (isNoop(live, next)) return { stored: current, created: false };
    const stored = toStorage(resource, next);
    if (write.dryRun) return { stored: new Stored(stored, current.revision), created: false };
    if (isRemovable(next.metadata)) return { stored: finishRemoval(cluster, resource, current, stored), created: false };
    return { stored: cluster.store.put(resource.storage, stored), created: false };
  });

  function strategyCauses(next: ApiObject, live: ApiObject): Cause[] {
    if (subresource === 'status') return strategy.validateStatusUpdate?.(next, live, scope) ?? [];
    return strategy.validateUpdate?.(next, live, scope) ?? [];
  }
}

function checkName(metadata: ObjectMeta, name: string): void {
  metadata.name ??= name;
  if (metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
}

function checkNamespaceOf(metadata: ObjectMeta, namespace: string): void {
  if ((metadata.namespace ?? '') === '') {
    if (namespace !== '') metadata.namespace = namespace;
  } else if (metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

/** Optimistic locking and the uid a client insists on. */
function checkPreconditions(resource: Resource, request: UpdateRequest, next: ObjectMeta, live: ObjectMeta): void {
  const target = errorTarget(resource);
  const name = live.name ?? '';
  if (next.uid !== undefined && next.uid !== '' && next.uid !== live.uid) {
    throw conflict(
      target,
      name,
      `StorageError: invalid object, Code: 4, Key: ${storageKey(resource, live)}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${next.uid}, UID in object meta: ${live.uid}`,
    );
  }
  const version = next.resourceVersion ?? '';
  if (!/^\d*$/.test(version)) throw new ApiStatusError(500, '', `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`);
  if (version === '' || version === '0') {
    if (request.replace && !resource.strategy.unconditionalUpdate) {
      throw invalidObject(errorKind(resource), name, [
        invalid('metadata.resourceVersion', version === '' ? 0 : Number(version), 'must be specified for an update'),
      ]);
    }
  } else if (version !== live.resourceVersion) {
    throw conflict(target, name, OPTIMISTIC_LOCK);
  }
}

/** The etcd key that error texts show. */
function storageKey(resource: Resource, metadata: ObjectMeta): string {
  const prefix = resource.plural === 'services' && resource.group === '' ? 'services/specs' : resource.plural;
  const group = resource.custom === undefined ? '' : `${resource.group}/`;
  return `/registry/${group}${prefix}${metadata.namespace === undefined ? '' : `/${metadata.namespace}`}/${metadata.name}`;
}

/** What only the server sets, and no client can take away. */
function keepSystemFields(next: ObjectMeta, live: ObjectMeta): void {
  restore(next, live, ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation', 'resourceVersion']);
  if (live.generateName !== undefined && next.generateName === undefined) next.generateName = live.generateName;
}

function restore(next: ObjectMeta, live: ObjectMeta, fields: readonly (keyof ObjectMeta)[]): void {
  for (const field of fields) {
    const value = live[field];
    if (value === undefined) delete next[field];
    else Object.assign(next, { [field]: value });
  }
}

function keepStatus(resource: Resource, next: ApiObject, live: ApiObject, scope: WriteScope): void {
  const { strategy } = resource;
  if (strategy.status) {
    if (live['status'] === undefined) delete next['status'];
    else next['status'] = live['status'];
  }
  strategy.prepareUpdate?.(next, live, scope);
  if (strategy.generation && !sameIntent(next, live)) next.metadata.generation = (live.metadata.generation ?? 0) + 1;
}

function keepAllButStatus(resource: Resource, next: ApiObject, live: ApiObject, scope: WriteScope): void {
  const { strategy } = resource;
  for (const field of Object.keys({ ...next, ...live })) {
    if (field === 'status' || field === 'metadata') continue;
    if (live[field] === undefined) delete next[field];
    else next[field] = live[field];
  }
  if (resource.custom !== undefined) {
    // A custom resource's status endpoint writes nothing of the metadata but who manages the status.
    const { managedFields } = next.metadata;
    next.metadata = { ...live.metadata };
    if (managedFields === undefined) delete next.metadata.managedFields;
    else next.metadata.managedFields = managedFields;
  }
  strategy.prepareStatusUpdate?.(next, live, scope);
}

/** Whether everything but metadata and status is as it was. */
function sameIntent(next: ApiObject, live: ApiObject): boolean {
  const fields = new Set([...Object.keys(next), ...Object.keys(live)]);
  for (const field of fields) {
    if (field === 'metadata' || field === 'status' || field === 'apiVersion' || field === 'kind') continue;
    if (!equal(next[field], live[field])) return false;
  }
  return true;
}

/** Nothing holds the object any more: the update that took the last finalizer away completes its deletion. */
const isRemovable = (metadata: ObjectMeta): boolean =>
  metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0 && (metadata.deletionGracePeriodSeconds ?? 0) === 0;
