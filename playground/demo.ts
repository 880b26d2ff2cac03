import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { nodes, services } from '@herald/kube';
import { PlaygroundError } from './errors.ts';
import { applyFiles, getTable } from './kubectl.ts';
import { Playground } from './playground.ts';
import { Probe } from './probe.ts';
import { FrrRouter } from './router.ts';
import { repository, run } from './sandbox.ts';
import { UdpProbe } from './udp-probe.ts';

/** The pods that the examples' Services select. */
export const DEMO_PODS = {
  dn1: [
    { name: 'nginx-1', labels: { app: 'nginx' }, ports: [{ port: 80 }] },
    { name: 'kubia-1', labels: { app: 'kubia' }, ports: [{ port: 8080 }] },
    { name: 'test1-1', labels: { app: 'test1' }, ports: [{ port: 80, name: 'http' }] },
  ],
  dn2: [
    { name: 'nginx-2', labels: { app: 'nginx' }, ports: [{ port: 80 }] },
    { name: 'kubia-2', labels: { app: 'kubia' }, ports: [{ port: 8080 }] },
    { name: 'test1-2', labels: { app: 'test1' }, ports: [{ port: 80, name: 'http' }] },
  ],
};

const POOL_FILES = ['examples/layer2/pool.yaml', 'examples/layer2/l2advertisement.yaml'];
const SERVICE_FILES = ['nginx-svc', 'kubia-loadbalancer', 'my-nginx-svc', 'test1-two'].map(name => `examples/services/${name}.yaml`);

/** The tour. Prints what it does as it does it; resolves with the exit code, and leaves nothing behind. */
export async function demo(signal: AbortSignal): Promise<number> {
  const tour = await Tour.start(signal);
  const { directory } = tour.playground;
  try {
    await tour.walk();
  } catch (error) {
    if (signal.aborted) {
      console.log('\ninterrupted: taking everything down');
      return 130;
    }
    throw error;
  } finally {
    await tour.playground.stop();
  }
  tour.title('10. Everything is taken down');
  console.log(existsSync(directory) ? `left behind: ${directory}` : 'no namespace, process or file of this tour is left');
  return existsSync(directory) ? 1 : 0;
}

class Tour {
  readonly playground: Playground;
  readonly #signal: AbortSignal;
  readonly #kubectl: boolean;

  private constructor(playground: Playground, signal: AbortSignal, kubectl: boolean) {
    this.playground = playground;
    this.#signal = signal;
    this.#kubectl = kubectl;
  }

  static async start(signal: AbortSignal): Promise<Tour> {
    const kubectl = await run(['kubectl', 'version', '--client']).then(
      result => result.code === 0,
      () => false,
    );
    console.log(title('1.-3. A cluster, a LAN and a client on this machine'));
    const started = performance.now();
    const playground = await Playground.start({ name: `demo-${process.pid}`, log: line => console.log(`- ${line}`) });
    const tour = new Tour(playground, signal, kubectl);
    try {
      await playground.addPods(DEMO_PODS);
    } catch (error) {
      await playground.stop();
      throw error;
    }
    console.log(`- pods on ${Object.keys(DEMO_PODS).join(' and ')}; up after ${seconds(performance.now() - started)}`);
    console.log(`  kubeconfig: ${playground.kubeconfig}`);
    if (!kubectl) console.log('  there is no kubectl on this machine: `herald playground apply|get` stands in for it');
    return tour;
  }

  title(text: string): void {
    console.log(title(text));
  }

  async walk(): Promise<void> {
    const address = await this.#assign();
    await this.#answer(address);
    await this.#failOver(address);
    await this.#withdraw(address);
    await this.#nodeMode();
    await this.#bgp();
  }

  /** Steps 4 and 5: the objects, and the table before and after. */
  async #assign(): Promise<string> {
    this.title('4. Services of type LoadBalancer, as on any cluster without a cloud');
    await this.#apply(SERVICE_FILES);
    await this.#get('svc');
    this.title('5. A pool and an advertisement: Herald gives each of them an address');
    await this.#apply(POOL_FILES);
    const address = await this.#until('an address for nginx-svc', async () => {
      const service = await this.playground.client.get(services, { namespace: 'default', name: 'nginx-svc' });
      return service.status?.loadBalancer?.ingress?.[0]?.ip;
    });
    await this.#until('an address for every Service', async () => {
      const { items } = await this.playground.client.list(services, { namespace: 'default' });
      return items.every(item => item.spec?.type !== 'LoadBalancer' || (item.status?.loadBalancer?.ingress ?? []).length > 0) || undefined;
    });
    await this.#get('svc');
    return address;
  }

  async #answer(address: string): Promise<void> {
    console.log(`\nthe client knows nothing of Kubernetes; it asks the LAN who has ${address}:`);
    const url = `http://${address}:8080/`;
    const first = await this.#until('an HTTP answer', async () => {
      const result = await this.playground.exec('client', ['curl', '-sS', '-m', '2', url]);
      return result.code === 0 ? result.stdout.trim() : undefined;
    });
    console.log(`$ curl ${url}\n${first}`);
    for (let i = 0; i < 3; i++) console.log((await this.playground.exec('client', ['curl', '-sS', '-m', '2', url])).stdout.trim());
    const owner = await this.#owner(address);
    console.log(`$ ip neigh show ${address}\n${owner.entry}\n${address} is announced by ${owner.node}: ${owner.mac} is its MAC address`);
  }

  /** Step 6: the announcing node loses its power. */
  async #failOver(address: string): Promise<void> {
    const owner = await this.#owner(address);
    this.title(`6. ${owner.node}, which announces ${address}, loses its power`);
    const probe = new Probe(this.playground, address, 8080, { interval: 10 });
    try {
      if (!(await probe.first(answer => answer.ok, 5_000)))
        throw new PlaygroundError('ENOTREADY', `${address} does not answer before the power cut`);
      const cut = Date.now();
      await this.playground.fail(owner.node);
      const dark = Date.now();
      const back = await probe.first(answer => answer.ok && answer.at > dark, 30_000);
      if (!back) throw new PlaygroundError('ENOTREADY', `${address} does not answer again within 30 s`);
      const next = await this.#owner(address);
      console.log(`answered again after ${seconds(back.at - cut)}: ${back.text}`);
      console.log(`now announced by ${next.node} (${next.mac})`);
      if (next.node === owner.node) throw new PlaygroundError('ENOTREADY', `${address} is still bound to the MAC address of ${owner.node}`);
    } finally {
      await probe.stop();
    }
    await this.playground.heal(owner.node);
    console.log(`${owner.node} has its power back; it takes nothing back: ${address} stays on ${(await this.#owner(address)).node}`);
  }

  /** Step 7: the Service is no LoadBalancer any more. */
  async #withdraw(address: string): Promise<void> {
    this.title('7. nginx-svc becomes a ClusterIP Service: its address goes and nobody answers for it');
    await this.playground.client.patch(
      services,
      { namespace: 'default', name: 'nginx-svc' },
      { spec: { type: 'ClusterIP' } },
      { type: 'merge' },
    );
    await this.#get('svc');
    await this.#until(`silence on ${address}`, async () => {
      await this.playground.exec('client', ['ip', 'neigh', 'flush', 'dev', 'eth0']);
      const result = await this.playground.exec('client', ['curl', '-sS', '-m', '1', `http://${address}:8080/`]);
      return result.code !== 0 ? result.stderr.trim() : undefined;
    }).then(said => console.log(`$ curl http://${address}:8080/\n${said}`));
  }

  /** Step 8: the addresses of the nodes themselves, and one that dies. */
  async #nodeMode(): Promise<void> {
    this.title('8. Without a pool: a Service of class heraldlb.io/node has the addresses of the nodes');
    await this.#apply(['examples/node-mode/service.yaml']);
    const { nodes } = this.playground.topology;
    const listed = async (): Promise<string[]> => {
      const service = await this.playground.client.get(services, { namespace: 'default', name: 'web-on-nodes' });
      return (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
    };
    await this.#until('the addresses of all nodes', async () => (await listed()).length === nodes.length || undefined);
    await this.#get('svc');
    for (const { ipv4 } of nodes) {
      const url = `http://${ipv4}:8081/`;
      const answer = await this.#until(`an answer from ${ipv4}`, async () => {
        const result = await this.playground.exec('client', ['curl', '-sS', '-m', '2', url]);
        return result.code === 0 ? result.stdout.trim() : undefined;
      });
      console.log(`$ curl ${url}\n${answer}`);
    }
    const last = nodes.at(-1);
    if (last === undefined) return;
    const cut = performance.now();
    await this.playground.fail(last.name);
    await this.#until(`${last.ipv4} to leave the list`, async () => !(await listed()).includes(last.ipv4) || undefined);
    console.log(`${last.name} loses its power: after ${seconds(performance.now() - cut)} the list is ${(await listed()).join(', ')}`);
    await this.playground.heal(last.name);
    await this.#until(`${last.ipv4} to be listed again`, async () => (await listed()).includes(last.ipv4) || undefined);
    console.log(`${last.name} has its power back, and its place in the list`);
  }

  /** Step 9: the same by BGP, where this machine has FRR to be the router. */
  async #bgp(): Promise<void> {
    this.title('9. By BGP: every node announces the address to the router, which spreads the traffic over them');
    const missing = FrrRouter.missing();
    if (missing !== undefined) {
      console.log(`left out: ${missing}`);
      return;
    }
    const router = await this.playground.startRouter();
    await this.#applyForRouter('examples/bgp/one-router.yaml');
    await this.#applyForRouter('examples/bgp/bfd.yaml');
    const annotate = { metadata: { annotations: { 'heraldlb.io/address-pool': 'bgp' } } };
    await this.playground.client.patch(services, { namespace: 'default', name: 'my-nginx-svc' }, annotate, { type: 'merge' });
    const address = await this.#until('an address of the BGP pool for my-nginx-svc', async () => {
      const service = await this.playground.client.get(services, { namespace: 'default', name: 'my-nginx-svc' });
      return service.status?.loadBalancer?.ingress?.find(entry => entry.ip?.startsWith('192.168.10.'))?.ip;
    });
    const hops = (): Promise<string[]> => this.#nextHops(address);
    const all = this.playground.topology.nodes.length;
    await this.#until('the routes of all nodes', async () => (await hops()).length === all || undefined);
    // A session that is younger than its BFD session would be judged by the hold time alone.
    await this.#until('BFD with all nodes', async () => {
      const peers = await router.json<{ status: string }[]>('show bfd peers json');
      return peers.filter(peer => peer.status === 'up').length === all || undefined;
    });
    console.log(`$ vtysh -c 'show bgp ipv4 unicast ${address}/32' (on the router)`);
    console.log((await router.vtysh(`show bgp ipv4 unicast ${address}/32`)).trimEnd());
    console.log(
      `$ ip route show ${address} (on the router)\n${(await this.playground.exec('router', ['ip', 'route', 'show', address])).stdout.trimEnd()}`,
    );
    const url = `http://${address}/`;
    const answer = await this.#until('an answer behind the router', async () => {
      const result = await this.playground.exec('outside', ['curl', '-sS', '-m', '2', url]);
      return result.code === 0 ? result.stdout.trim() : undefined;
    });
    console.log(`$ curl ${url} (behind the router)\n${answer}`);
    const first = this.playground.topology.nodes[0]?.name ?? 'dn0';
    await this.#drain(first);
    const cut = performance.now();
    await this.playground.fail(first);
    await this.#until('the router to drop the node', async () => (await hops()).length === all - 1 || undefined);
    console.log(`${first} loses its power: the router sends nothing to it any more after ${seconds(performance.now() - cut)} (BFD)`);
  }

  /** A node is taken out for a maintenance: the router moves away from it first, then its routes go, and no request is lost. */
  async #drain(node: string): Promise<void> {
    const { nodes: all, router } = this.playground.topology;
    const metadata = { name: 'echo', namespace: 'default', annotations: { 'heraldlb.io/address-pool': 'bgp' } };
    const spec = { type: 'LoadBalancer', selector: { app: 'nginx' }, ports: [{ port: 80, protocol: 'UDP' }] };
    await this.playground.client.create(services, { apiVersion: 'v1', kind: 'Service', metadata, spec });
    const address = await this.#until('an address for echo', async () => {
      const service = await this.playground.client.get(services, { namespace: 'default', name: 'echo' });
      return service.status?.loadBalancer?.ingress?.[0]?.ip;
    });
    const hops = (): Promise<string[]> => this.#nextHops(address);
    await this.#until('its routes', async () => (await hops()).length === all.length || undefined);
    console.log(
      `\na UDP Service at ${address} is asked 500 times a second from behind the router; meanwhile ${node} is taken out and comes back:`,
    );
    const probe = await UdpProbe.start(this.playground, address, 80, { interval: 2, host: router.outside.name });
    const annotate = async (value: string | null): Promise<void> => {
      console.log(`$ kubectl annotate node ${node} heraldlb.io/drain${value === null ? '-' : `=${value}`}`);
      const change = { metadata: { annotations: { 'heraldlb.io/drain': value } } };
      await this.playground.client.patch(nodes, { name: node }, change, { type: 'merge' });
    };
    await annotate('2s');
    await this.#until(`the router to send nothing to ${node}`, async () => (await hops()).length === all.length - 1 || undefined);
    console.log((await this.playground.exec('router', ['ip', 'route', 'show', address])).stdout.trimEnd());
    await sleep(2_500, undefined, { signal: this.#signal });
    await annotate(null);
    await this.#until(`the route by ${node} again`, async () => (await hops()).length === all.length || undefined);
    const { sent, answered } = await probe.stop();
    console.log(`${node} was drained and came back: ${sent} requests, ${sent - answered} lost`);
  }

  /** The nodes that the router forwards an address to. */
  async #nextHops(address: string): Promise<string[]> {
    const { stdout } = await this.playground.exec('router', ['ip', 'route', 'show', address]);
    return [...stdout.matchAll(/via (\S+)/g)].map(match => match[1] ?? '').sort();
  }

  async #owner(address: string): Promise<{ node: string; mac: string; entry: string }> {
    const { stdout } = await this.playground.exec('client', ['ip', 'neigh', 'show', address]);
    const mac = /lladdr (\S+)/.exec(stdout)?.[1] ?? '';
    const node = this.playground.topology.nodes.find(candidate => candidate.mac === mac);
    if (!node)
      throw new PlaygroundError(
        'ENOTREADY',
        `no node's MAC address in the client's neighbour table for ${address}: ${stdout.trim() || 'no entry'}`,
      );
    return { node: node.name, mac, entry: stdout.trim() };
  }

  async #apply(files: readonly string[]): Promise<void> {
    console.log(files.map(file => `$ kubectl apply -f ${file}`).join('\n'));
    await this.#applyFiles(files.map(file => join(repository, file)));
  }

  async #applyFiles(files: readonly string[]): Promise<void> {
    if (!this.#kubectl) {
      for (const line of await applyFiles(this.playground.client, this.playground.server.url, files)) console.log(line);
      return;
    }
    const result = await this.playground.kubectl(['apply', ...files.flatMap(file => ['-f', file])]);
    process.stdout.write(result.stdout);
    if (result.code !== 0) throw new PlaygroundError('ECOMMAND', `kubectl apply: ${result.stderr.trim()}`);
  }

  /** The examples' router is 10.0.0.1; here it has another address on the LAN. */
  async #applyForRouter(file: string): Promise<void> {
    const { ipv4 } = this.playground.topology.router;
    console.log(`$ sed s/10.0.0.1/${ipv4}/ ${file} | kubectl apply -f -`);
    const copy = join(this.playground.directory, basename(file));
    writeFileSync(copy, readFileSync(join(repository, file), 'utf8').replaceAll('10.0.0.1', ipv4));
    await this.#applyFiles([copy]);
  }

  async #get(kind: string): Promise<void> {
    console.log(`$ kubectl get ${kind}`);
    if (!this.#kubectl) process.stdout.write(await getTable(this.playground.server.url, kind, 'default'));
    else process.stdout.write((await this.playground.kubectl(['get', kind])).stdout);
  }

  async #until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + 30_000;
    while (performance.now() < deadline) {
      this.#signal.throwIfAborted();
      const found = await look();
      if (found !== undefined) return found;
      await sleep(50, undefined, { signal: this.#signal });
    }
    throw new PlaygroundError('ENOTREADY', `waited 30 s in vain for ${what}; logs: ${this.playground.logTails()}`);
  }
}

function title(text: string): string {
  return `\n${styleText('bold', text)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
