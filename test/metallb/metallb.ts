import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Client, resource, services } from '@herald/kube';
import type { Playground } from '@herald/playground';

const NAMESPACE = 'metallb-system';
const PERIOD = 100;
const folder = fileURLToPath(new URL('.', import.meta.url));
const apps = { group: 'apps', version: 'v1', namespaced: true } as const;
const deployments = resource<Sized>({ ...apps, plural: 'deployments', kind: 'Deployment' });
const daemonSets = resource<Sized>({ ...apps, plural: 'daemonsets', kind: 'DaemonSet' });
const pools = resource<Pool>({
  group: 'metallb.io',
  version: 'v1beta1',
  plural: 'ipaddresspools',
  kind: 'IPAddressPool',
  namespaced: true,
});

interface Sized {
  metadata: { name: string };
  spec?: { replicas?: number };
}

interface Pool {
  metadata: { name: string };
  spec?: { addresses?: string[] };
}

/**
 * A stand-in for MetalLB in a playground, as others see it: its kinds, its Deployment and DaemonSet, and while they are there, what they do. The
 * controller writes addresses of its pools into the status of Services; a speaker on the node that MetalLB's formula elects answers ARP for each.
 */
export class MetalLB {
  readonly #playground: Playground;
  readonly #client: Client;
  readonly #responders = new Map<string, { child: ChildProcess; owned: Set<string> }>();
  readonly #stop = new AbortController();
  #working: Promise<void> = Promise.resolve();

  private constructor(playground: Playground) {
    this.#playground = playground;
    this.#client = playground.client;
  }

  static async install(playground: Playground): Promise<MetalLB> {
    for (const file of ['crds.yaml', 'metallb.yaml']) {
      const { code, stderr } = await playground.kubectl(['apply', '-f', `${folder}${file}`]);
      if (code !== 0) throw new Error(`kubectl apply -f ${file}: ${stderr}`);
    }
    const metallb = new MetalLB(playground);
    metallb.#working = metallb.#work();
    return metallb;
  }

  /** Name of the node whose speaker answers for an address: MetalLB's election. */
  elected(ip: string): string {
    const hash = (node: string): string => createHash('sha256').update(`${node}#${ip}`).digest('hex');
    return this.#playground.topology.nodes.map(({ name }) => name).sort((a, b) => (hash(a) < hash(b) ? -1 : 1))[0] ?? '';
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#working;
    await this.#silence();
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const [controllers, speakers] = await Promise.all([
        this.#client.list(deployments, { namespace: NAMESPACE }),
        this.#client.list(daemonSets, { namespace: NAMESPACE }),
      ]);
      if (controllers.items.some(({ spec }) => spec?.replicas !== 0)) await this.#assign();
      if (speakers.items.length > 0) await this.#announce();
      else await this.#silence();
      await sleep(PERIOD, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #assign(): Promise<void> {
    const { items } = await this.#client.list(services);
    const held = new Set(items.flatMap(({ status }) => (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip)));
    for (const service of items) {
      const { name, namespace = '' } = service.metadata;
      if (service.spec?.type !== 'LoadBalancer' || (service.status?.loadBalancer?.ingress ?? []).length > 0) continue;
      const ip = (await this.#free()).find(candidate => !held.has(candidate));
      if (ip === undefined) return;
      held.add(ip);
      const metadata = { annotations: { 'metallb.io/ip-allocated-from-pool': 'lan' } };
      const status = { loadBalancer: { ingress: [{ ip }] } };
      await this.#client.patch(services, { name, namespace }, { metadata, status }, { type: 'merge', subresource: 'status' });
    }
  }

  /** Every address of the pools, the lowest first; they are ranges within one /24 here. */
  async #free(): Promise<string[]> {
    const { items } = await this.#client.list(pools, { namespace: NAMESPACE });
    return items.flatMap(({ spec }) =>
      (spec?.addresses ?? []).flatMap(range => {
        const [first = '', last = first] = range.split('-');
        const [from, to] = [first, last].map(text => Number(text.split('.')[3]));
        const prefix = first.split('.').slice(0, 3).join('.');
        return Array.from({ length: (to ?? 0) - (from ?? 0) + 1 }, (_, index) => `${prefix}.${(from ?? 0) + index}`);
      }),
    );
  }

  async #announce(): Promise<void> {
    const { items } = await this.#client.list(services);
    for (const ip of items.flatMap(({ status }) => (status?.loadBalancer?.ingress ?? []).flatMap(entry => entry.ip ?? []))) {
      const { child, owned } = await this.#responder(this.elected(ip));
      if (!owned.has(ip)) child.stdin?.write(`own ${ip}\n`);
      owned.add(ip);
    }
  }

  async #responder(node: string): Promise<{ child: ChildProcess; owned: Set<string> }> {
    const known = this.#responders.get(node);
    if (known !== undefined) return known;
    const { sandbox, topology } = this.#playground;
    const words = [process.execPath, '--import', 'tsx', `${folder}responder-process.ts`, topology.interface];
    const child = sandbox.spawn(node, words, { stdio: ['pipe', 'pipe', 'inherit'], cwd: folder });
    const made = { child, owned: new Set<string>() };
    this.#responders.set(node, made);
    await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
    return made;
  }

  async #silence(): Promise<void> {
    const children = [...this.#responders.values()].map(({ child }) => child);
    this.#responders.clear();
    await Promise.all(
      children.map(child => {
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        return ended;
      }),
    );
  }
}
