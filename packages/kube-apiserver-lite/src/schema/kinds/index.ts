import type { Cause } from '../../errors.ts';
import type { GroupVersionKind } from '../builtin.ts';
import type { JsonObject } from '../json.ts';
import { containers } from './containers.ts';
import * as policies from './policies.ts';
import * as storage from './storage.ts';
import * as workloads from './workloads.ts';

const template = 'spec.template.spec';

const validators: Record<string, (o: JsonObject, old?: JsonObject) => Cause[]> = {
  '/ResourceQuota': policies.resourceQuota,
  '/PersistentVolume': storage.persistentVolume,
  '/PersistentVolumeClaim': storage.persistentVolumeClaim,
  '/Pod': o => containers(o, 'spec'),
  '/ReplicationController': workloads.replicationController,
  'autoscaling/HorizontalPodAutoscaler': workloads.horizontalPodAutoscaler,
  'apps/ReplicaSet': o => containers(o, template),
  'apps/Deployment': o => [...containers(o, template), ...workloads.deployment(o)],
  'apps/DaemonSet': o => [...containers(o, template), ...workloads.daemonSet(o)],
  'apps/StatefulSet': (o, old) => [...containers(o, template), ...workloads.statefulSet(o, old)],
  'batch/Job': (o, old) => [...containers(o, template), ...workloads.job(o, old)],
  'batch/CronJob': o => [...containers(o, 'spec.jobTemplate.spec.template.spec'), ...workloads.cronJob(o)],
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
