import type { Cluster } from '../cluster.ts';
import { Actor, type Controller } from '../controllers/controller.ts';
import { KeyQueue } from '../controllers/queue.ts';
import { finishRemoval } from '../operations/remove.ts';
import { addressText, addressValue, parseCidr } from '../services/ip.ts';
import { controllerOf, isLeaving, isReady, nowOf, objectOf, objects, runningStatus } from './pods.ts';

export interface KubeletOptions {
  /** Milliseconds from a pod's creation until it runs and is ready; the default is 20. */
  startMs?: number;
  /** Milliseconds until a deleted pod has ended; the default is 20. */
  stopMs?: number;
}

const SIMULATED = new Set(['ReplicaSet', 'DaemonSet', 'StatefulSet']);
const POD_BLOCK = parseCidr('10.244.0.0/16');

/** Runs the pods of workloads, without containers: they turn Running and Ready, and end when they are deleted. Others are nobody's. */
export class SimulatedKubelet implements Controller {
  readonly #cluster: Cluster;
  readonly #actor: Actor;
  readonly #queue: KeyQueue;
  readonly #options: KubeletOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  #next = 10n;
  #stop: () => void = () => {};

  constructor(cluster: Cluster, options: KubeletOptions, onError: (error: unknown, key: string) => void) {
    this.#cluster = cluster;
    this.#options = options;
    this.#actor = new Actor(cluster, 'kubelet');
    this.#queue = new KeyQueue(key => this.#sync(key), onError);
  }

  start(): void {
    for (const { namespace, name } of this.#cluster.store.table('pods').list()) this.#queue.add(`${namespace}/${name}`);
    this.#stop = this.#cluster.store.table('pods').listen(({ type, current }) => {
      if (type === 'DELETED' || !SIMULATED.has(controllerOf(current.object)?.kind ?? '')) return;
      const leaving = isLeaving(current.object);
      if (!leaving && isReady(current.object)) return;
      this.#later(`${current.namespace}/${current.name}`, (leaving ? this.#options.stopMs : this.#options.startMs) ?? 20);
    });
  }

  stop(): void {
    this.#stop();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#queue.stop();
  }

  #later(key: string, milliseconds: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#queue.add(key);
    }, milliseconds);
    timer.unref();
    this.#timers.add(timer);
  }

  #sync(key: string): void {
    const [namespace = '', name = ''] = key.split('/', 2);
    const pod = this.#cluster.store.get('pods', namespace, name);
    if (pod === undefined || !SIMULATED.has(controllerOf(pod.object)?.kind ?? '')) return;
    const resource = this.#actor.resource('', 'v1', 'pods');
    if (isLeaving(pod.object)) {
      if ((pod.object.metadata.finalizers ?? []).length === 0) finishRemoval(this.#cluster, resource, pod, pod.object);
      return;
    }
    if (isReady(pod.object)) return;
    const hostIP = this.#hostIP(objectOf(pod.object['spec'])['nodeName']);
    this.#actor.change(resource, pod, object => {
      object['status'] = runningStatus(pod.object, nowOf(this.#cluster), this.#address(), hostIP);
    });
  }

  #hostIP(node: unknown): string | undefined {
    if (typeof node !== 'string') return undefined;
    const stored = this.#cluster.store.get('nodes', '', node);
    const address = objects(objectOf(stored?.object['status'])['addresses']).find(entry => entry['type'] === 'InternalIP')?.['address'];
    return typeof address === 'string' ? address : undefined;
  }

  /** Addresses come round after the block is through; pods are few. */
  #address(): string {
    if (POD_BLOCK === undefined) return addressText(addressValue('10.244.0.1'), 'IPv4');
    this.#next = this.#next + 1n >= POD_BLOCK.size - 1n ? 10n : this.#next + 1n;
    return addressText(POD_BLOCK.first + this.#next, 'IPv4');
  }
}
