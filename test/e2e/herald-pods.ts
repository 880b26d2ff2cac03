import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeObject, resource } from '@herald/kube';
import type { Playground, Program } from '@herald/playground';

interface Pod extends KubeObject {
  spec?: { nodeName?: string; containers: { args?: string[] }[] };
}

const pods = resource<Pod>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true });
const PERIOD = 100;
/** What the playground decides itself: ports, folders, and which node is meant. */
const OWN = /^--(http-address|snapshot-dir|node-name)=/;

/** Runs Herald in a playground that was started without it, for as long as the pods of its chart exist, with the arguments that they give. */
export class HeraldPods {
  readonly #playground: Playground;
  readonly #running = new Map<string, Program>();
  readonly #stop = new AbortController();
  readonly #working: Promise<void>;

  constructor(playground: Playground) {
    this.#playground = playground;
    this.#working = this.#work();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { items } = await this.#playground.client.list(pods, { labelSelector: 'app.kubernetes.io/name=herald' });
      const present = new Map(items.map(pod => [pod.metadata.uid ?? '', pod]));
      for (const [uid, program] of this.#running) {
        if (present.has(uid) && present.get(uid)?.metadata.deletionTimestamp === undefined) continue;
        this.#running.delete(uid);
        await program.stop();
      }
      const fresh = items.filter(({ metadata }) => !this.#running.has(metadata.uid ?? '') && metadata.deletionTimestamp === undefined);
      await Promise.all(
        fresh.map(async pod => {
          const program = await this.#start(pod);
          if (program !== undefined) this.#running.set(pod.metadata.uid ?? '', program);
        }),
      );
      await sleep(PERIOD, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #start(pod: Pod): Promise<Program | undefined> {
    const [component = '', ...args] = pod.spec?.containers[0]?.args ?? [];
    const { nodeName = '' } = pod.spec ?? {};
    const values: Record<string, string> = {
      NODE_NAME: nodeName,
      POD_NAME: pod.metadata.name ?? '',
      POD_NAMESPACE: pod.metadata.namespace ?? '',
    };
    const words = args.map(arg => arg.replaceAll(/\$\((\w+)\)/g, (_, name: string) => values[name] ?? '')).filter(arg => !OWN.test(arg));
    if (component === 'controller') return this.#playground.startController(words);
    const node = this.#playground.topology.nodes.find(({ name }) => name === nodeName);
    return component === 'speaker' && node !== undefined ? this.#playground.startSpeaker(node, words) : undefined;
  }
}
