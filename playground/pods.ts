import { fileURLToPath } from 'node:url';
import { type Client, resource, type Wire } from '@herald/kube';
import type { V1Pod } from '@kubernetes/client-node';
import { addPodAddress } from './lan.ts';
import { Program } from './program.ts';
import type { Sandbox } from './sandbox.ts';
import type { PlaygroundNode } from './topology.ts';

/** A pod as a user would see it: labels that Services select, ports by number and name, a node it runs on. */
export interface PodDefinition {
  name: string;
  namespace?: string;
  labels: Record<string, string>;
  ports: { port: number; name?: string }[];
}

/** A pod with the addresses it got. */
export interface RunningPod extends PodDefinition {
  node: string;
  ipv4: string;
  ipv6: string;
}

/** Pods as the playground reads and writes them. */
export const pods = resource<Wire<V1Pod>>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true });

/** Programs that answer for some pods of a node. */
interface Served {
  pods: readonly RunningPod[];
  program: Program;
}

/**
 * The pods of one node. They share the node's pod namespace, each with an address of its own, and programs that answer on these addresses.
 */
export class NodePods {
  readonly #sandbox: Sandbox;
  readonly #node: PlaygroundNode;
  readonly #logFile: string;
  readonly #running: RunningPod[] = [];
  #next = 10;
  #served: Served[] = [];

  constructor(sandbox: Sandbox, node: PlaygroundNode, logFile: string) {
    this.#sandbox = sandbox;
    this.#node = node;
    this.#logFile = logFile;
  }

  get list(): readonly RunningPod[] {
    return this.#running;
  }

  /** Starts pods and registers them with the API server as Running and Ready, which is what puts them into EndpointSlices. */
  async start(client: Client, definitions: readonly PodDefinition[]): Promise<void> {
    for (const pod of await this.run(definitions)) {
      const made = await client.create(pods, manifest(pod));
      await client.patch(
        pods,
        { name: pod.name, namespace: made.metadata?.namespace ?? 'default' },
        { status: runningStatus(pod, [{ name: 'web', image: WEB_IMAGE }]) },
        { type: 'merge', subresource: 'status' },
      );
    }
  }

  /** Gives pods addresses and lets them answer; what the API server knows of them is the caller's. */
  async run(definitions: readonly PodDefinition[]): Promise<RunningPod[]> {
    const added: RunningPod[] = definitions.map(definition => {
      const host = this.#next++;
      return {
        ...definition,
        node: this.#node.name,
        ipv4: this.#node.podCidr4.replace('0/24', String(host)),
        ipv6: this.#node.podCidr6.replace(':/64', `:${host}`),
      };
    });
    for (const pod of added) await addPodAddress(this.#sandbox, this.#node, pod.ipv4, pod.ipv6);
    await this.#serve(added);
    this.#running.push(...added);
    return added;
  }

  /** Ends one pod: its program stops answering. */
  async end(namespace: string, name: string): Promise<void> {
    const mine = (pod: RunningPod): boolean => pod.name === name && (pod.namespace ?? 'default') === namespace;
    const index = this.#running.findIndex(mine);
    if (index >= 0) this.#running.splice(index, 1);
    const served = this.#served.find(({ pods: list }) => list.some(mine));
    if (served === undefined) return;
    this.#served = this.#served.filter(other => other !== served);
    await served.program.stop(2_000);
    const others = served.pods.filter(pod => !mine(pod));
    if (others.length > 0) await this.#serve(others);
  }

  /** The node lost its power: nothing answers any more, and nobody told the API server. */
  async kill(): Promise<void> {
    await Promise.all(this.#served.map(({ program }) => program.kill()));
    this.#served = [];
  }

  /** The node is back: its pods answer again. */
  async restart(): Promise<void> {
    await this.kill();
    if (this.#running.length > 0) await this.#serve(this.#running);
  }

  /** Writes the pods' Ready condition, as the node controller does for a node that is gone or back. */
  async setReady(client: Client, ready: boolean): Promise<void> {
    for (const pod of this.#running) {
      await client.patch(
        pods,
        { name: pod.name, namespace: pod.namespace ?? 'default' },
        { status: { conditions: conditions(ready) } },
        { type: 'merge', subresource: 'status' },
      );
    }
  }

  async #serve(list: readonly RunningPod[]): Promise<void> {
    const specs = list.flatMap(pod =>
      pod.ports.flatMap(({ port }) => [pod.ipv4, pod.ipv6].map(ip => `${pod.name}|${pod.node}|${ip}|${port}`)),
    );
    const script = fileURLToPath(new URL('./backend.mjs', import.meta.url));
    const child = this.#sandbox.spawn(this.#node.podNamespace, [process.execPath, script, ...specs]);
    const program = await Program.start(child, { name: `pods of ${this.#node.name}`, logFile: this.#logFile, ready: /^ready$/ });
    this.#served.push({ pods: [...list], program });
  }
}

/** Marks the pods that the playground registers itself. */
export const WEB_IMAGE = 'playground/web';

function manifest(pod: RunningPod): Wire<V1Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod.name, namespace: pod.namespace ?? 'default', labels: pod.labels },
    spec: {
      nodeName: pod.node,
      containers: [
        {
          name: 'web',
          image: WEB_IMAGE,
          ports: pod.ports.map(({ port, name }) => ({ containerPort: port, protocol: 'TCP', ...(name === undefined ? {} : { name }) })),
        },
      ],
    },
  };
}

/** The status of a pod that runs, with its containers' names and images. */
export function runningStatus(pod: RunningPod, containers: readonly { name: string; image: string }[]): Wire<V1Pod>['status'] {
  return {
    phase: 'Running',
    podIP: pod.ipv4,
    podIPs: [{ ip: pod.ipv4 }, { ip: pod.ipv6 }],
    conditions: conditions(true),
    containerStatuses: containers.map(container => ({
      ...container,
      imageID: '',
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: {} },
    })),
  };
}

export function conditions(ready: boolean): { type: string; status: string }[] {
  return ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(type => ({
    type,
    status: ready || !type.endsWith('Ready') ? 'True' : 'False',
  }));
}
