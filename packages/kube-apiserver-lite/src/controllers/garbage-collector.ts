import { ApiStatusError } from '../errors.ts';
import type { OwnerReference } from '../object.ts';
import { FOREGROUND_FINALIZER, finishRemoval, ORPHAN_FINALIZER, remove } from '../operations/remove.ts';
import type { Resource } from '../registry/resource.ts';
import type { Change, Stored } from '../storage/stored.ts';
import { KeyedController } from './controller.ts';

interface Place {
  storage: string;
  namespace: string;
  name: string;
}

/** Deletes what has lost its owners, and carries foreground and orphaning deletions through. Works from an index of owners. */
export class GarbageCollector extends KeyedController {
  readonly #places = new Map<string, Place>();
  readonly #dependents = new Map<string, Set<string>>();

  protected override enqueueAll(): void {
    for (const table of this.cluster.store.tables()) for (const stored of table.list()) this.#index(table.resource, stored);
  }

  #index(storage: string, stored: Stored): void {
    const { uid, ownerReferences, deletionTimestamp } = stored.object.metadata;
    if (uid === undefined) return;
    this.#places.set(uid, { storage, namespace: stored.namespace, name: stored.name });
    for (const owner of ownerReferences ?? []) {
      let dependents = this.#dependents.get(owner.uid);
      if (dependents === undefined) this.#dependents.set(owner.uid, (dependents = new Set()));
      dependents.add(uid);
    }
    if ((ownerReferences?.length ?? 0) > 0 || deletionTimestamp !== undefined) this.queue.add(uid);
  }

  protected override observe({ type, resource, current, previous }: Change): void {
    const { uid } = current.object.metadata;
    if (uid === undefined) return;
    for (const owner of previous?.object.metadata.ownerReferences ?? []) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
    if (type !== 'DELETED') {
      this.#index(resource, current);
      return;
    }
    this.#places.delete(uid);
    for (const dependent of this.#dependents.get(uid) ?? []) this.queue.add(dependent);
    // An owner that waits for this one in a foreground deletion.
    for (const owner of previous?.object.metadata.ownerReferences ?? []) this.queue.add(owner.uid);
  }

  #stored(uid: string): { stored: Stored; resource: Resource } | undefined {
    const place = this.#places.get(uid);
    if (place === undefined) return undefined;
    const stored = this.cluster.store.get(place.storage, place.namespace, place.name);
    const resource = this.cluster.registry.byStorage(place.storage);
    return stored === undefined || resource === undefined || stored.object.metadata.uid !== uid ? undefined : { stored, resource };
  }

  protected override sync(uid: string): void {
    const found = this.#stored(uid);
    if (found === undefined) return;
    const { metadata } = found.stored.object;
    if (metadata.deletionTimestamp !== undefined) {
      if (metadata.finalizers?.includes(ORPHAN_FINALIZER) === true) this.#orphan(found.resource, found.stored);
      else if (metadata.finalizers?.includes(FOREGROUND_FINALIZER) === true) this.#foreground(found.resource, found.stored);
      return;
    }
    this.#collect(found.resource, found.stored, metadata.ownerReferences ?? []);
  }

  /** Deletes an object none of whose owners is there any more, or all of which wait for it; drops references that dangle. */
  #collect(resource: Resource, stored: Stored, owners: readonly OwnerReference[]): void {
    if (owners.length === 0) return;
    const solid: OwnerReference[] = [];
    const waiting: OwnerReference[] = [];
    for (const owner of owners) {
      const found = this.#owner(stored, owner);
      if (found === undefined) continue;
      const { deletionTimestamp, finalizers = [] } = found.object.metadata;
      (deletionTimestamp !== undefined && finalizers.includes(FOREGROUND_FINALIZER) ? waiting : solid).push(owner);
    }
    if (solid.length > 0) {
      if (solid.length < owners.length) this.#setOwners(resource, stored, solid);
      return;
    }
    const uid = stored.object.metadata.uid ?? '';
    const foreground = waiting.length > 0 && (this.#dependents.get(uid)?.size ?? 0) > 0;
    this.#delete(resource, stored, foreground ? 'Foreground' : 'Background');
  }

  #owner(dependent: Stored, owner: OwnerReference): Stored | undefined {
    const found = this.#stored(owner.uid);
    // A namespaced owner can only own within its namespace.
    if (found === undefined || (found.resource.namespaced && found.stored.namespace !== dependent.namespace)) return undefined;
    return found.stored;
  }

  #foreground(resource: Resource, owner: Stored): void {
    let blocked = false;
    for (const uid of this.#dependents.get(owner.object.metadata.uid ?? '') ?? []) {
      const found = this.#stored(uid);
      if (found === undefined) continue;
      const reference = found.stored.object.metadata.ownerReferences?.find(({ uid: id }) => id === owner.object.metadata.uid);
      if (found.stored.object.metadata.deletionTimestamp === undefined) this.queue.add(uid);
      if (reference?.blockOwnerDeletion === true) blocked = true;
    }
    if (!blocked) this.#dropFinalizer(resource, owner, FOREGROUND_FINALIZER);
  }

  #orphan(resource: Resource, owner: Stored): void {
    const { uid } = owner.object.metadata;
    for (const dependent of this.#dependents.get(uid ?? '') ?? []) {
      const found = this.#stored(dependent);
      if (found === undefined) continue;
      const owners = (found.stored.object.metadata.ownerReferences ?? []).filter(reference => reference.uid !== uid);
      this.#setOwners(found.resource, found.stored, owners);
    }
    this.#dropFinalizer(resource, owner, ORPHAN_FINALIZER);
  }

  #setOwners(resource: Resource, stored: Stored, owners: OwnerReference[]): void {
    const { ownerReferences: _dropped, ...metadata } = stored.object.metadata;
    const next = owners.length === 0 ? metadata : { ...metadata, ownerReferences: owners };
    this.cluster.store.put(resource.storage, { ...stored.object, metadata: next });
  }

  #dropFinalizer(resource: Resource, stored: Stored, finalizer: string): void {
    const { finalizers = [], ...metadata } = stored.object.metadata;
    const left = finalizers.filter(name => name !== finalizer);
    const object = { ...stored.object, metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left } };
    if (left.length === 0 && (metadata.deletionGracePeriodSeconds ?? 0) === 0) finishRemoval(this.cluster, resource, stored, object);
    else this.cluster.store.put(resource.storage, object);
  }

  #delete(resource: Resource, stored: Stored, propagationPolicy: 'Background' | 'Foreground'): void {
    try {
      const uid = stored.object.metadata.uid ?? '';
      remove(this.cluster, resource, stored.namespace, stored.name, { dryRun: false, propagationPolicy, uid });
    } catch (error) {
      if (!(error instanceof ApiStatusError && (error.code === 404 || error.code === 409))) throw error;
    }
  }
}
