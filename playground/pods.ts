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

const pods = resource<Wire<V1Pod>>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true });

/**
 * The pods of one node. They share the node's pod namespace, each with an address of its own, and one program that answers on all of them.
 */
export class NodePods {
  readonly #sandbox: Sandbox;
  readonly #node: PlaygroundNode;
  readonly #logFile: string;
  readonly #running: RunningPod[] = [];
  #next = 10;
  #programs: Program[] = [];

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
    for (const pod of added) {
      this.#running.push(pod);
      const object = manifest(pod);
      const made = await client.create(pods, object);
      await client.patch(
        pods,
        { name: pod.name, namespace: made.metadata?.namespace ?? 'default' },
        { status: status(pod) },
        { type: 'merge', subresource: 'status' },
      );
    }
  }

  /** The node lost its power: nothing answers any more, and nobody told the API server. */
  async kill(): Promise<void> {
    await Promise.all(this.#programs.map(program => program.kill()));
    this.#programs = [];
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
        { status: status(pod, ready) },
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
    this.#programs.push(await Program.start(child, { name: `pods of ${this.#node.name}`, logFile: this.#logFile, ready: /^ready$/ }));
  }
}

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
          image: 'playground/web',
          ports: pod.ports.map(({ port, name }) => ({ containerPort: port, protocol: 'TCP', ...(name === undefined ? {} : { name }) })),
        },
      ],
    },
  };
}

function status(pod: RunningPod, ready = true): Wire<V1Pod>['status'] {
  return {
    phase: 'Running',
    podIP: pod.ipv4,
    podIPs: [{ ip: pod.ipv4 }, { ip: pod.ipv6 }],
    conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(type => ({
      type,
      status: ready || !type.endsWith('Ready') ? 'True' : 'False',
    })),
    containerStatuses: [
      { name: 'web', image: 'playground/web', imageID: '', ready: true, started: true, restartCount: 0, state: { running: {} } },
    ],
  };
}
