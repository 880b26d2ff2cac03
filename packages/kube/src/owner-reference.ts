import type { V1OwnerReference } from '@kubernetes/client-node';
import { ApiError } from './api-error.ts';
import type { KubeObject, Wire } from './wire.ts';

/** A reference that makes `owner` the owner: deleting it deletes the dependent. The owner must have come from the API (it has a uid). */
export function ownerReference(
  owner: KubeObject,
  options: { controller?: boolean; blockOwnerDeletion?: boolean } = {},
): Wire<V1OwnerReference> {
  const { apiVersion, kind, metadata } = owner;
  if (apiVersion === undefined || kind === undefined || metadata.uid === undefined) {
    throw new ApiError('bad-request', `${kind ?? 'object'} ${metadata.name} cannot own: it needs apiVersion, kind and uid`);
  }
  const { controller = true, blockOwnerDeletion = false } = options;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller, blockOwnerDeletion };
}

/** True when `object` names this incarnation (uid) of `owner` among its owners. */
export function isOwnedBy(object: KubeObject, owner: KubeObject): boolean {
  return object.metadata.ownerReferences?.some(reference => reference.uid === owner.metadata.uid) ?? false;
}
