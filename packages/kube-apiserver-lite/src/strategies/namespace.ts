import { invalid } from '../errors.ts';
import { isObject } from '../schema/json.ts';
import type { Strategy } from './strategy.ts';

/** The finalizer in `spec.finalizers` that the namespace controller takes away when the namespace is empty. */
export const KUBERNETES_FINALIZER = 'kubernetes';

const IMMORTAL = new Set(['default', 'kube-public', 'kube-system']);

/** Namespaces: Active until deleted, then Terminating until their content is gone. */
export const namespaceStrategy: Partial<Strategy> = {
  defaults(object) {
    object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name ?? '' };
  },
  prepareCreate(object) {
    object['spec'] = { finalizers: [KUBERNETES_FINALIZER] };
    object['status'] = { phase: 'Active' };
  },
  prepareUpdate(object, old) {
    if (old['spec'] !== undefined) object['spec'] = old['spec'];
  },
  validateStatusUpdate(object) {
    const phase = isObject(object['status']) ? object['status']['phase'] : undefined;
    const deleted = object.metadata.deletionTimestamp !== undefined;
    if (phase === (deleted ? 'Terminating' : 'Active')) return [];
    const why = deleted
      ? "may only be 'Terminating' if `deletionTimestamp` is not empty"
      : "may only be 'Active' if `deletionTimestamp` is empty";
    return [invalid('status.Phase', phase ?? '', why)];
  },
  refuseDelete: object => (IMMORTAL.has(object.metadata.name ?? '') ? 'this namespace may not be deleted' : undefined),
  deleteGradually: object =>
    isObject(object['spec']) && Array.isArray(object['spec']['finalizers']) && object['spec']['finalizers'].length > 0,
  markDeleted(object) {
    object['status'] = { ...(isObject(object['status']) ? object['status'] : {}), phase: 'Terminating' };
  },
};
