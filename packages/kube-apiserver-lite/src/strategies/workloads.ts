import type { ApiObject, Json, JsonObject } from '../object.ts';
import { isObject } from '../schema/json.ts';
import type { Strategy } from './strategy.ts';

/** Defaults of pods, and of what makes them, that depend on other fields (`pkg/apis/core/v1/defaults.go`, `apps/v1`). */

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);

function defaultPodSpec(spec: JsonObject): void {
  for (const container of [...objects(spec['containers']), ...objects(spec['initContainers'])]) defaultContainer(container, spec);
  // The old name of the field is kept in step.
  if (typeof spec['serviceAccountName'] === 'string' && spec['serviceAccountName'] !== '')
    spec['serviceAccount'] = spec['serviceAccountName'];
  else if (typeof spec['serviceAccount'] === 'string' && spec['serviceAccount'] !== '') spec['serviceAccountName'] = spec['serviceAccount'];
}

function defaultContainer(container: JsonObject, spec: JsonObject): void {
  if ((container['imagePullPolicy'] ?? '') === '')
    container['imagePullPolicy'] = pullPolicy(typeof container['image'] === 'string' ? container['image'] : '');
  for (const port of objects(container['ports'])) {
    if (spec['hostNetwork'] === true && port['hostPort'] === undefined && port['containerPort'] !== undefined)
      port['hostPort'] = port['containerPort'];
  }
  const resources = objectOf(container['resources']);
  const limits = objectOf(resources['limits']);
  if (Object.keys(limits).length > 0) resources['requests'] = { ...limits, ...objectOf(resources['requests']) };
}

/** `latest`, said or not, is pulled always. */
function pullPolicy(image: string): string {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^/:]+)$/.exec(image)?.[1] ?? 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

/** Structs that are filled in when their `type` is RollingUpdate. */
function defaultRollout(strategy: JsonObject, standard: JsonObject): void {
  if (strategy['type'] === 'RollingUpdate') strategy['rollingUpdate'] = { ...standard, ...objectOf(strategy['rollingUpdate']) };
}

const ROLLOUTS: Readonly<Record<string, { field: string; standard: JsonObject }>> = {
  Deployment: { field: 'strategy', standard: { maxUnavailable: '25%', maxSurge: '25%' } },
  DaemonSet: { field: 'updateStrategy', standard: { maxUnavailable: 1, maxSurge: 0 } },
  StatefulSet: { field: 'updateStrategy', standard: { partition: 0 } },
};

function defaultWorkload(object: ApiObject): void {
  const spec = objectOf(object['spec']);
  const template = objectOf(spec['template']);
  defaultPodSpec(objectOf(template['spec']));
  const rollout = ROLLOUTS[object.kind];
  if (rollout === undefined) return;
  const strategy = objectOf(spec[rollout.field]);
  strategy['type'] ??= 'RollingUpdate';
  defaultRollout(strategy, rollout.standard);
  spec[rollout.field] = strategy;
}

/** Deployments, DaemonSets, StatefulSets, ReplicaSets, Jobs. */
export const workloadStrategy: Partial<Strategy> = {
  defaults: defaultWorkload,
  prepareCreate(object) {
    object['status'] = zeroStatus(object.kind);
  },
};

/** Counts that Go writes even when they are zero. */
function zeroStatus(kind: string): JsonObject {
  if (kind === 'DaemonSet') return { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
  if (kind === 'StatefulSet') return { replicas: 0, availableReplicas: 0 };
  return kind === 'ReplicaSet' ? { replicas: 0 } : {};
}

const DEFAULT_GRACE_SECONDS = 30;
const NODE_TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** Pods: what the ServiceAccount, Priority and DefaultTolerationSeconds admissions add, and how long a pod is given to end. */
export const podStrategy: Partial<Strategy> = {
  returnsDeleted: true,
  defaults: pod => defaultPodSpec(objectOf(pod['spec'])),
  admitCreate(pod) {
    const spec = objectOf(pod['spec']);
    spec['serviceAccountName'] ??= 'default';
    spec['serviceAccount'] = spec['serviceAccountName'];
    spec['priority'] ??= 0;
    spec['preemptionPolicy'] ??= 'PreemptLowerPriority';
    const tolerations = objects(spec['tolerations']);
    const missing = NODE_TAINTS.filter(
      key => !tolerations.some(toleration => toleration['key'] === key || toleration['key'] === undefined),
    );
    spec['tolerations'] = [
      ...tolerations,
      ...missing.map(key => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })),
    ];
  },
  prepareCreate(pod) {
    pod['status'] = { phase: 'Pending', qosClass: qosClass(objects(objectOf(pod['spec'])['containers'])) };
  },
  gracePeriod(pod) {
    const spec = objectOf(pod['spec']);
    const { phase } = objectOf(pod['status']);
    // Nobody runs it, so nobody has to end it.
    if ((spec['nodeName'] ?? '') === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
    const seconds = spec['terminationGracePeriodSeconds'];
    return typeof seconds === 'number' ? seconds : DEFAULT_GRACE_SECONDS;
  },
};

const resourcesOf = (container: JsonObject, what: string): JsonObject => objectOf(objectOf(container['resources'])[what]);

function qosClass(containers: readonly JsonObject[]): string {
  if (
    containers.every(
      container =>
        Object.keys(resourcesOf(container, 'requests')).length === 0 && Object.keys(resourcesOf(container, 'limits')).length === 0,
    )
  ) {
    return 'BestEffort';
  }
  const guaranteed = containers.every(container =>
    ['cpu', 'memory'].every(name => {
      const limit = resourcesOf(container, 'limits')[name];
      return limit !== undefined && (resourcesOf(container, 'requests')[name] ?? limit) === limit;
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
