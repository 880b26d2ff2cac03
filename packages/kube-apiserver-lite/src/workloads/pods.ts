import { createHash } from 'node:crypto';
import type { Cluster } from '../cluster.ts';
import { timestamp } from '../environment.ts';
import type { ApiObject, Json, JsonObject, OwnerReference } from '../object.ts';
import { clone, isObject } from '../schema/json.ts';
import type { Stored } from '../storage/stored.ts';

/** What workloads and the simulated kubelet share: pods of an owner, and what a pod looks like when it runs. */

export const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
export const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
export const count = (value: Json | undefined, standard: number): number => (typeof value === 'number' ? value : standard);

export const controllerOf = (object: ApiObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find(owner => owner.controller === true);

export const ownerReference = (owner: ApiObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name ?? '',
  uid: owner.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
});

/** A short name for a pod template, so that pods of an old one are told from those of a new one. */
export const templateHash = (template: Json | undefined): string =>
  BigInt(
    `0x${createHash('sha256')
      .update(JSON.stringify(template ?? null))
      .digest('hex')
      .slice(0, 12)}`,
  )
    .toString(36)
    .slice(0, 10);

export const isReady = (pod: ApiObject): boolean =>
  objects(objectOf(pod['status'])['conditions']).some(condition => condition['type'] === 'Ready' && condition['status'] === 'True');

export const isLeaving = (object: ApiObject): boolean => object.metadata.deletionTimestamp !== undefined;

/** A pod from a template; `name` ends with a dash when it is only a prefix. */
export function podFrom(
  owner: ApiObject,
  template: JsonObject,
  name: string,
  labels: Record<string, string>,
  nodeName: string | undefined,
): ApiObject {
  const metadata = clone(objectOf(template['metadata']));
  const spec = clone(objectOf(template['spec']));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(name.endsWith('-') ? { generateName: name } : { name }),
      labels: { ...(objectOf(metadata['labels']) as Record<string, string>), ...labels },
      ...(isObject(metadata['annotations']) ? { annotations: metadata['annotations'] as Record<string, string> } : {}),
      ownerReferences: [ownerReference(owner)],
    },
    spec: { ...spec, ...(nodeName === undefined ? {} : { nodeName }) },
  };
}

/** The status of a pod that runs and is ready. */
export function runningStatus(pod: ApiObject, now: string, podIP: string, hostIP: string | undefined): JsonObject {
  const containers = objects(objectOf(pod['spec'])['containers']);
  const condition = (type: string): JsonObject => ({ type, status: 'True', lastProbeTime: null, lastTransitionTime: now });
  return {
    ...objectOf(pod['status']),
    phase: 'Running',
    conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(condition),
    ...(hostIP === undefined ? {} : { hostIP, hostIPs: [{ ip: hostIP }] }),
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: now,
    containerStatuses: containers.map(container => ({
      name: container['name'] ?? '',
      state: { running: { startedAt: now } },
      lastState: {},
      ready: true,
      restartCount: 0,
      image: container['image'] ?? '',
      imageID: '',
      started: true,
    })),
  };
}

/** Pods by the uid of their controller. */
export class PodIndex {
  readonly #cluster: Cluster;
  readonly #pods = new Map<string, Set<string>>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    for (const { object } of cluster.store.table('pods').list()) this.update(object, true);
  }

  update(pod: ApiObject, present: boolean): void {
    const uid = controllerOf(pod)?.uid;
    if (uid === undefined) return;
    const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
    let pods = this.#pods.get(uid);
    if (!present) {
      pods?.delete(key);
      if (pods?.size === 0) this.#pods.delete(uid);
      return;
    }
    if (pods === undefined) this.#pods.set(uid, (pods = new Set()));
    pods.add(key);
  }

  of(owner: ApiObject): Stored[] {
    return [...(this.#pods.get(owner.metadata.uid ?? '') ?? [])].flatMap(key => {
      const [namespace = '', name = ''] = key.split('/', 2);
      return this.#cluster.store.get('pods', namespace, name) ?? [];
    });
  }
}

export const nowOf = (cluster: Cluster): string => timestamp(cluster.environment.now());
