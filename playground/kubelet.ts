import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, Informer, keyOf, type Wire, WorkQueue } from '@herald/kube';
import type { V1Pod } from '@kubernetes/client-node';
import { conditions, type NodePods, pods, runningStatus, WEB_IMAGE } from './pods.ts';

/** Milliseconds that a pod with `deletionTimestamp` goes on answering: as a server that finishes what it has before it ends. */
const LINGER = 500;
/** What a container answers on that declares no port: most images one tries things with are web servers. */
const DEFAULT_PORT = 80;

/**
 * The scheduler and the kubelets of the playground: a Pod that somebody makes, or that a Deployment, StatefulSet or DaemonSet makes, gets
 * a node and an address and answers there, whatever its image: no containers, but a small server that says who it is.
 */
export class Kubelet {
  readonly #client: Client;
  readonly #nodes: ReadonlyMap<string, NodePods>;
  readonly #informer: Informer<Wire<V1Pod>>;
  readonly #queue: WorkQueue;
  readonly #stop = new AbortController();
  #working: Promise<void> = Promise.resolve();
  readonly #hasPower: (node: string) => boolean;
  /** Node by `namespace/name` of what runs. */
  readonly #placed = new Map<string, string>();

  constructor(
    client: Client,
    nodes: ReadonlyMap<string, NodePods>,
    options: { hasPower: (node: string) => boolean; log: (line: string) => void },
  ) {
    const { log } = options;
    this.#hasPower = options.hasPower;
    this.#client = client;
    this.#nodes = nodes;
    this.#informer = new Informer(client, pods);
    this.#queue = new WorkQueue({ name: 'pods', onError: (key, error) => log(`pod ${key}: ${String(error)}`) });
    this.#informer.on(event => {
      if (event.type !== 'synced') this.#queue.add(keyOf(event.object));
    });
  }

  start(): void {
    this.#informer.start(this.#stop.signal);
    this.#working = this.#queue.run(key => this.#sync(key), { workers: 4, signal: this.#stop.signal });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#informer.stop();
    await this.#working;
  }

  async #sync(key: string): Promise<void> {
    const pod = this.#informer.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return this.#end(key, pod);
    if (pod.spec?.containers[0]?.image === WEB_IMAGE || this.#placed.has(key)) return;
    const node = pod.spec?.nodeName ?? this.#emptiest();
    const host = this.#nodes.get(node);
    if (host === undefined) return;
    this.#placed.set(key, node);
    try {
      if (pod.spec?.nodeName === undefined) await this.#bind(pod, node);
      await this.#run(pod, host);
    } catch (error) {
      this.#placed.delete(key);
      throw error;
    }
  }

  /** The node with the fewest pods that has power: a scheduler that knows nothing else. */
  #emptiest(): string {
    const load = (name: string): number => [...this.#placed.values()].filter(placed => placed === name).length;
    const [node] = [...this.#nodes.keys()].filter(this.#hasPower).sort((a, b) => load(a) - load(b) || a.localeCompare(b));
    return node ?? '';
  }

  async #bind(pod: Wire<V1Pod>, name: string): Promise<void> {
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: pod.metadata, target: { apiVersion: 'v1', kind: 'Node', name } };
    await this.#client.create(pods, binding, { subresource: 'binding' });
  }

  async #run(pod: Wire<V1Pod>, host: NodePods): Promise<void> {
    const running = pod.spec?.hostNetwork === true ? undefined : (await host.run([definition(pod)]))[0];
    const containers = (pod.spec?.containers ?? []).map(({ name, image }) => ({ name, image: image ?? '' }));
    const status = running === undefined ? { phase: 'Running', conditions: conditions(true) } : runningStatus(running, containers);
    await this.#client.patch(pods, ref(pod), { status }, { type: 'merge', subresource: 'status' });
  }

  async #end(key: string, pod: Wire<V1Pod> | undefined): Promise<void> {
    const node = this.#placed.get(key);
    if (node === undefined) return;
    if (pod !== undefined) await sleep(LINGER, undefined, { signal: this.#stop.signal });
    this.#placed.delete(key);
    const [namespace = '', name = ''] = key.split('/');
    await this.#nodes.get(node)?.end(namespace, name);
    if (pod !== undefined) await this.#client.delete(pods, ref(pod), { gracePeriodSeconds: 0 });
  }
}

const ref = (pod: Wire<V1Pod>): { name: string; namespace: string } => ({
  name: pod.metadata.name ?? '',
  namespace: pod.metadata.namespace ?? 'default',
});

function definition(pod: Wire<V1Pod>): { name: string; namespace: string; labels: Record<string, string>; ports: { port: number }[] } {
  const declared = (pod.spec?.containers ?? []).flatMap(container => (container.ports ?? []).map(port => port.containerPort));
  const ports = [...new Set(declared.length > 0 ? declared : [DEFAULT_PORT])].map(port => ({ port }));
  return { ...ref(pod), labels: pod.metadata.labels ?? {}, ports };
}
