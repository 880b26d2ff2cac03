import type { Cause } from '../../errors.ts';
import type { GroupVersionKind } from '../builtin.ts';
import type { JsonObject } from '../json.ts';
import * as policies from './policies.ts';
import * as workloads from './workloads.ts';

const validators: Record<string, (o: JsonObject, old?: JsonObject) => Cause[]> = {
  '/ResourceQuota': policies.resourceQuota,
  'apps/Deployment': workloads.deployment,
  'apps/DaemonSet': workloads.daemonSet,
  'apps/StatefulSet': workloads.statefulSet,
  'batch/Job': workloads.job,
  'batch/CronJob': workloads.cronJob,
  'policy/PodDisruptionBudget': workloads.podDisruptionBudget,
  'networking.k8s.io/Ingress': policies.ingress,
  'networking.k8s.io/IngressClass': policies.ingressClass,
  'networking.k8s.io/NetworkPolicy': policies.networkPolicy,
  'scheduling.k8s.io/PriorityClass': policies.priorityClass,
  'storage.k8s.io/StorageClass': policies.storageClass,
};

/**
 * What the hand-written validation of a built-in kind says about its spec; `old` on update. It adds to
 * `../../validation`: metadata, selectors and templates are judged there.
 */
export function validateBuiltin(object: JsonObject, gvk: GroupVersionKind, old?: JsonObject): Cause[] {
  return validators[`${gvk.group}/${gvk.kind}`]?.(object, old) ?? [];
}
