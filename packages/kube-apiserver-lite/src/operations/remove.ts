import type { Cluster } from '../cluster.ts';
import { timestamp } from '../environment.ts';
import { conflict, forbiddenError, notFound, type Status } from '../errors.ts';
import type { ApiObject } from '../object.ts';
import { errorTarget, type Resource } from '../registry/resource.ts';
import { Stored } from '../storage/stored.ts';

/** `metav1.DeleteOptions`, from the query, the body, or both. */
export interface DeleteOptions {
  dryRun: boolean;
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  uid?: string;
  resourceVersion?: string;
}

/** What a deletion led to: the object's last state, or its state while something still holds it. */
export interface Removal {
  stored: Stored;
  gone: boolean;
}

export const ORPHAN_FINALIZER = 'orphan';
export const FOREGROUND_FINALIZER = 'foregroundDeletion';

/** Deletes an object, or marks it for deletion while finalizers, a grace period or its namespace's content hold it. */
export function remove(cluster: Cluster, resource: Resource, namespace: string, name: string, options: DeleteOptions): Removal {
  const current = cluster.store.get(resource.storage, namespace, name);
  if (current === undefined) throw notFound(errorTarget(resource), name);
  checkPreconditions(resource, current, options);
  const refusal = resource.strategy.refuseDelete?.(current.object);
  if (refusal !== undefined) throw forbiddenError(errorTarget(resource), name, refusal);
  const { metadata } = current.object;
  const finalizers = finalizersAfter(metadata.finalizers ?? [], options);
  const grace = gracePeriod(resource, current.object, options);
  const held = finalizers.length > 0 || grace > 0 || resource.strategy.deleteGradually?.(current.object) === true;
  if (!held) {
    if (options.dryRun) return { stored: current, gone: true };
    return { stored: finishRemoval(cluster, resource, current, current.object), gone: true };
  }
  const already = metadata.deletionTimestamp !== undefined;
  const shorter = already && grace < (metadata.deletionGracePeriodSeconds ?? 0);
  if (already && !shorter && finalizers.length === (metadata.finalizers ?? []).length) return { stored: current, gone: false };
  const next: ApiObject = { ...current.object, metadata: { ...metadata } };
  if (!already || shorter) {
    const leaves = new Date(cluster.environment.now().getTime() + grace * 1000);
    next.metadata.deletionTimestamp = timestamp(leaves);
    next.metadata.deletionGracePeriodSeconds = grace;
    if (!already && metadata.generation !== undefined && metadata.generation > 0) next.metadata.generation = metadata.generation + 1;
  }
  if (finalizers.length > 0) next.metadata.finalizers = finalizers;
  resource.strategy.markDeleted?.(next);
  if (options.dryRun) return { stored: new Stored(next, current.revision), gone: false };
  return { stored: cluster.store.put(resource.storage, next), gone: false };
}

/** Takes an object out of the store; `last` is the state it leaves behind. */
export function finishRemoval(cluster: Cluster, resource: Resource, current: Stored, last: ApiObject): Stored {
  const removed = cluster.store.remove(resource.storage, last === current.object ? current : new Stored(last, current.revision));
  resource.strategy.afterDelete?.(last);
  return removed;
}

function checkPreconditions(resource: Resource, current: Stored, { uid, resourceVersion }: DeleteOptions): void {
  // The real server names the kind here, not the resource.
  const target = { group: errorTarget(resource).group, resource: resource.kind };
  const { metadata } = current.object;
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(
      target,
      current.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(
      target,
      current.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

/** The garbage collector's two finalizers follow the propagation policy; the others stay. */
function finalizersAfter(finalizers: readonly string[], { propagationPolicy }: DeleteOptions): string[] {
  if (propagationPolicy === undefined) return [...finalizers];
  const kept = finalizers.filter(name => name !== ORPHAN_FINALIZER && name !== FOREGROUND_FINALIZER);
  if (propagationPolicy === 'Orphan') kept.push(ORPHAN_FINALIZER);
  if (propagationPolicy === 'Foreground') kept.push(FOREGROUND_FINALIZER);
  return kept;
}

function gracePeriod(resource: Resource, object: ApiObject, { gracePeriodSeconds }: DeleteOptions): number {
  const standard = resource.strategy.gracePeriod?.(object) ?? 0;
  return standard === 0 ? 0 : Math.max(0, gracePeriodSeconds ?? standard);
}

/** The answer to a deletion that is complete, for kinds that do not answer with the object. */
export function deletedStatus(resource: Resource, object: ApiObject): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: object.metadata.name ?? '',
      ...(resource.group === '' ? {} : { group: resource.group }),
      kind: resource.plural,
      ...(object.metadata.uid === undefined ? {} : { uid: object.metadata.uid }),
    },
  };
}
