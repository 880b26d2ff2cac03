import type { Cluster } from '../cluster.ts';
import { Actor, type Controller } from '../controllers/controller.ts';
import { KeyQueue } from '../controllers/queue.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import { remove } from '../operations/remove.ts';
import { clone, equal, isObject } from '../schema/json.ts';
import type { Stored } from '../storage/stored.ts';
import {
  controllerOf,
  count,
  isLeaving,
  isReady,
  nowOf,
  objectOf,
  objects,
  ownerReference,
  PodIndex,
  podFrom,
  templateHash,
} from './pods.ts';

const GROUP = 'apps';
const KINDS = { Deployment: 'deployments', ReplicaSet: 'replicasets', DaemonSet: 'daemonsets', StatefulSet: 'statefulsets' } as const;
type Kind = keyof typeof KINDS;
const STORAGES = new Map<string, Kind>((Object.keys(KINDS) as Kind[]).map(kind => [`${KINDS[kind]}.${GROUP}`, kind]));
const POD_HASH = 'pod-template-hash';
const REVISION_HASH = 'controller-revision-hash';
const REVISION = 'deployment.kubernetes.io/revision';

/** Deployments, ReplicaSets, DaemonSets and StatefulSets: their pods, and the status that clients wait for. */
export class WorkloadController implements Controller {
  readonly #cluster: Cluster;
  readonly #actor: Actor;
  readonly #queue: KeyQueue;
  readonly #pods: PodIndex;
  #turn = 0;
  #stop: () => void = () => {};

  constructor(cluster: Cluster, onError: (error: unknown, key: string) => void) {
    this.#cluster = cluster;
    this.#actor = new Actor(cluster, 'workload-controller');
    this.#pods = new PodIndex(cluster);
    this.#queue = new KeyQueue(key => this.#sync(key), onError);
  }

  start(): void {
    for (const storage of STORAGES.keys())
      for (const { namespace, name } of this.#cluster.store.table(storage).list()) this.#enqueue(storage, namespace, name);
    this.#stop = this.#cluster.store.observe(({ type, resource, current }) => {
      if (STORAGES.has(resource) && type !== 'DELETED') this.#enqueue(resource, current.namespace, current.name);
      if (resource === `replicasets.${GROUP}` || resource === 'pods') this.#owner(current.object);
      if (resource === 'pods') this.#pods.update(current.object, type !== 'DELETED');
      if (resource === 'nodes' && type !== 'MODIFIED') this.#daemonSets();
    });
  }

  stop(): void {
    this.#stop();
    this.#queue.stop();
  }

  #enqueue(storage: string, namespace: string, name: string): void {
    this.#queue.add(`${storage} ${namespace}/${name}`);
  }

  #owner(object: ApiObject): void {
    const owner = controllerOf(object);
    if (owner !== undefined && Object.hasOwn(KINDS, owner.kind))
      this.#enqueue(`${KINDS[owner.kind as Kind]}.${GROUP}`, object.metadata.namespace ?? '', owner.name);
  }

  #daemonSets(): void {
    const storage = `daemonsets.${GROUP}`;
    for (const { namespace, name } of this.#cluster.store.table(storage).list()) this.#enqueue(storage, namespace, name);
  }

  #sync(key: string): void {
    const [storage = '', path = ''] = key.split(' ', 2);
    const [namespace = '', name = ''] = path.split('/', 2);
    const stored = this.#cluster.store.get(storage, namespace, name);
    const kind = STORAGES.get(storage);
    const home = this.#cluster.store.get('namespaces', '', namespace);
    if (stored === undefined || kind === undefined || isLeaving(stored.object) || home === undefined || isLeaving(home.object)) return;
    if (kind === 'Deployment') this.#deployment(stored);
    else if (kind === 'ReplicaSet') this.#replicaSet(stored);
    else if (kind === 'DaemonSet') this.#daemonSet(stored);
    else this.#statefulSet(stored);
  }

  #deployment(stored: Stored): void {
    const deployment = stored.object;
    const spec = objectOf(deployment['spec']);
    const wanted = count(spec['replicas'], 1);
    const hash = templateHash(spec['template']);
    const name = `${deployment.metadata.name}-${hash}`;
    const own = [...this.#cluster.store.table(`replicasets.${GROUP}`).list(stored.namespace)].filter(
      candidate => controllerOf(candidate.object)?.uid === deployment.metadata.uid,
    );
    const current = own.find(candidate => candidate.name === name);
    const revision = Math.max(0, ...own.map(candidate => Number(candidate.object.metadata.annotations?.[REVISION] ?? 0)));
    if (current === undefined) {
      this.#createReplicaSet(deployment, name, hash, wanted, String(revision + 1));
      return;
    }
    if (count(objectOf(current.object['spec'])['replicas'], 1) !== wanted) this.#scale(current, wanted);
    const ready = this.#pods.of(current.object).filter(pod => isReady(pod.object)).length;
    // The old pods go when the new ones can take over.
    if (ready >= wanted)
      for (const old of own) if (old.name !== name && count(objectOf(old.object['spec'])['replicas'], 1) > 0) this.#scale(old, 0);
    const replicas = own.reduce((sum, set) => sum + this.#pods.of(set.object).filter(pod => !isLeaving(pod.object)).length, 0);
    const updated = this.#pods.of(current.object).filter(pod => !isLeaving(pod.object)).length;
    const number = current.object.metadata.annotations?.[REVISION] ?? '1';
    this.#status(stored, deploymentStatus(deployment, { wanted, replicas, updated, ready, name }, nowOf(this.#cluster)), {
      [REVISION]: number,
    });
  }

  #createReplicaSet(deployment: ApiObject, name: string, hash: string, replicas: number, revision: string): void {
    const spec = objectOf(deployment['spec']);
    const template = clone(objectOf(spec['template']));
    const metadata = objectOf(template['metadata']);
    const labels = { ...objectOf(metadata['labels']), [POD_HASH]: hash };
    template['metadata'] = { ...metadata, labels };
    const selector = clone(objectOf(spec['selector']));
    selector['matchLabels'] = { ...objectOf(selector['matchLabels']), [POD_HASH]: hash };
    this.#actor.create(this.#resource('ReplicaSet'), deployment.metadata.namespace ?? '', {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name,
        labels,
        annotations: { [REVISION]: revision },
        ownerReferences: [ownerReference(deployment)],
      },
      spec: { replicas, selector, template },
    });
  }

  #scale(stored: Stored, replicas: number): void {
    this.#actor.change(this.#resource('ReplicaSet'), stored, object => {
      object['spec'] = { ...objectOf(object['spec']), replicas };
      object.metadata.generation = (object.metadata.generation ?? 0) + 1;
    });
  }

  #replicaSet(stored: Stored): void {
    const spec = objectOf(stored.object['spec']);
    const pods = this.#pods.of(stored.object).filter(pod => !isLeaving(pod.object));
    const wanted = count(spec['replicas'], 1);
    for (let missing = wanted - pods.length; missing > 0; missing--) {
      this.#createPod(stored.object, objectOf(spec['template']), `${stored.name}-`, {}, this.#nextNode());
    }
    for (const pod of pods.slice(wanted)) this.#deletePod(pod);
    const ready = pods.filter(pod => isReady(pod.object)).length;
    const counts = ready === 0 ? {} : { readyReplicas: ready, availableReplicas: ready };
    const fully = pods.length === 0 ? {} : { fullyLabeledReplicas: pods.length };
    this.#status(stored, { replicas: pods.length, ...fully, ...counts, observedGeneration: stored.object.metadata.generation ?? 0 });
  }

  #daemonSet(stored: Stored): void {
    const spec = objectOf(stored.object['spec']);
    const template = objectOf(spec['template']);
    const hash = templateHash(template);
    const selector = objectOf(objectOf(template['spec'])['nodeSelector']);
    const nodes = [...this.#cluster.store.table('nodes').list()].filter(({ object }) =>
      Object.entries(selector).every(([key, value]) => object.metadata.labels?.[key] === value),
    );
    const pods = this.#pods.of(stored.object).filter(pod => !isLeaving(pod.object));
    const byNode = new Map(pods.map(pod => [nodeOf(pod), pod]));
    let updated = 0;
    for (const { name } of nodes) {
      const pod = byNode.get(name);
      byNode.delete(name);
      if (pod === undefined) this.#createPod(stored.object, template, `${stored.name}-`, { [REVISION_HASH]: hash }, name);
      else if (pod.object.metadata.labels?.[REVISION_HASH] === hash) updated++;
      else if (objectOf(spec['updateStrategy'])['type'] !== 'OnDelete') this.#deletePod(pod);
    }
    for (const pod of byNode.values()) this.#deletePod(pod);
    const ready = pods.filter(pod => isReady(pod.object) && !byNode.has(nodeOf(pod))).length;
    this.#status(stored, {
      currentNumberScheduled: Math.min(pods.length, nodes.length),
      numberMisscheduled: 0,
      desiredNumberScheduled: nodes.length,
      numberReady: ready,
      observedGeneration: stored.object.metadata.generation ?? 0,
      ...(updated === 0 ? {} : { updatedNumberScheduled: updated }),
      ...(ready === 0 ? {} : { numberAvailable: ready }),
      ...(nodes.length > ready ? { numberUnavailable: nodes.length - ready } : {}),
    });
  }

  #statefulSet(stored: Stored): void {
    const spec = objectOf(stored.object['spec']);
    const template = objectOf(spec['template']);
    const wanted = count(spec['replicas'], 1);
    const hash = templateHash(template);
    const revision = `${stored.name}-${hash}`;
    const pods = new Map(this.#pods.of(stored.object).map(pod => [pod.name, pod]));
    for (let ordinal = 0; ordinal < wanted; ordinal++) {
      const name = `${stored.name}-${ordinal}`;
      const pod = pods.get(name);
      const labels = {
        [REVISION_HASH]: revision,
        'statefulset.kubernetes.io/pod-name': name,
        'apps.kubernetes.io/pod-index': String(ordinal),
      };
      if (pod === undefined) this.#createPod(stored.object, template, name, labels, this.#nextNode());
      else if (!isLeaving(pod.object) && pod.object.metadata.labels?.[REVISION_HASH] !== revision) this.#deletePod(pod);
      // One after the other: the next one waits until this one is ready.
      if ((pod === undefined || !isReady(pod.object)) && spec['podManagementPolicy'] !== 'Parallel') break;
    }
    for (const pod of pods.values())
      if (Number(pod.name.slice(stored.name.length + 1)) >= wanted && !isLeaving(pod.object)) this.#deletePod(pod);
    const present = [...pods.values()].filter(pod => !isLeaving(pod.object));
    const ready = present.filter(pod => isReady(pod.object)).length;
    const updated = present.filter(pod => pod.object.metadata.labels?.[REVISION_HASH] === revision).length;
    this.#status(stored, {
      observedGeneration: stored.object.metadata.generation ?? 0,
      replicas: present.length,
      ...(ready === 0 ? {} : { readyReplicas: ready }),
      ...(updated === 0 ? {} : { updatedReplicas: updated, currentReplicas: updated }),
      availableReplicas: ready,
      currentRevision: revision,
      updateRevision: revision,
      collisionCount: 0,
    });
  }

  /** Nodes in turn; a cluster without nodes runs its pods nowhere in particular. */
  #nextNode(): string | undefined {
    const nodes = [...this.#cluster.store.table('nodes').list()].filter(({ object }) => objectOf(object['spec'])['unschedulable'] !== true);
    return nodes.length === 0 ? undefined : nodes[this.#turn++ % nodes.length]?.name;
  }

  #createPod(owner: ApiObject, template: JsonObject, name: string, labels: Record<string, string>, node: string | undefined): void {
    this.#actor.create(
      this.#actor.resource('', 'v1', 'pods'),
      owner.metadata.namespace ?? '',
      podFrom(owner, template, name, labels, node),
    );
  }

  #deletePod(pod: Stored): void {
    remove(this.#cluster, this.#actor.resource('', 'v1', 'pods'), pod.namespace, pod.name, { dryRun: false });
  }

  #status(stored: Stored, status: JsonObject, annotations: Record<string, string> = {}): void {
    const noted = Object.entries(annotations).every(([key, value]) => stored.object.metadata.annotations?.[key] === value);
    const current = this.#cluster.store.get(`${KINDS[stored.object.kind as Kind]}.${GROUP}`, stored.namespace, stored.name);
    if (current !== stored || (noted && equal(stored.object['status'] ?? {}, status))) return;
    this.#actor.change(this.#resource(stored.object.kind as Kind), stored, object => {
      object['status'] = status;
      if (!noted) object.metadata.annotations = { ...object.metadata.annotations, ...annotations };
    });
  }

  #resource(kind: Kind): ReturnType<Actor['resource']> {
    return this.#actor.resource(GROUP, 'v1', KINDS[kind]);
  }
}

const nodeOf = (pod: Stored): string => {
  const { nodeName } = objectOf(pod.object['spec']);
  return typeof nodeName === 'string' ? nodeName : '';
};

interface Rollout {
  wanted: number;
  replicas: number;
  updated: number;
  ready: number;
  /** The current ReplicaSet's name. */
  name: string;
}

function deploymentStatus(deployment: ApiObject, { wanted, replicas, updated, ready, name }: Rollout, now: string): JsonObject {
  const available = ready >= wanted;
  const complete = available && replicas === updated;
  const known = objects(objectOf(deployment['status'])['conditions']);
  const progress = complete ? `ReplicaSet "${name}" has successfully progressed.` : `ReplicaSet "${name}" is progressing.`;
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...(replicas === 0 ? {} : { replicas }),
    ...(updated === 0 ? {} : { updatedReplicas: updated }),
    ...(ready === 0 ? {} : { readyReplicas: ready, availableReplicas: ready }),
    ...(wanted > ready ? { unavailableReplicas: wanted - ready } : {}),
    conditions: [
      condition(
        known,
        'Available',
        available ? 'True' : 'False',
        available ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
        available ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
        now,
      ),
      condition(known, 'Progressing', 'True', complete ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated', progress, now),
    ],
  };
}

/** Times move only with what they tell of. */
function condition(known: readonly JsonObject[], type: string, status: string, reason: string, message: string, now: string): Json {
  const before = known.find(candidate => candidate['type'] === type);
  if (before !== undefined && before['status'] === status && before['reason'] === reason && before['message'] === message) return before;
  const moved = isObject(before) && before['status'] === status ? (before['lastTransitionTime'] ?? now) : now;
  return { type, status, lastUpdateTime: now, lastTransitionTime: moved, reason, message };
}
