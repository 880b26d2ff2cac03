import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endpointSlices, type KubeObject, resource, services } from '@herald/kube';
import { FrrRouter, Playground } from '@herald/playground';
import { printTable, quantile, round, SPREAD_HEADING, spread } from './figures.ts';

export const description =
  "from the change of an EndpointSlice (a node's last local endpoint goes, or its first comes) to the table of the router's kernel";

const ADDRESS = '192.168.10.1';
const NODES = 3;
const herald = (kind: string, plural: string) => resource({ group: 'heraldlb.io', version: 'v1beta1', plural, kind, namespaced: true });

/**
 * The router's kernel says when a route changes (`ip monitor`), so nothing is polled. Each sample takes the only endpoint of one node out of an
 * EndpointSlice, or puts it in again, under externalTrafficPolicy Local; the clock starts before the write is sent to the API server.
 */
export async function run(args: string[]): Promise<Record<string, unknown>> {
  const count = Number(args[0] ?? 100);
  const missing = FrrRouter.missing();
  if (missing !== undefined) throw new Error(missing);
  const playground = await Playground.start({ name: 'bench-endpoint', nodes: NODES, log: line => console.log(`- ${line}`) });
  try {
    await playground.startRouter();
    await configure(playground);
    const table = await KernelTable.start(playground);
    const all = playground.topology.nodes.map(({ ipv4 }) => ipv4);
    await writeEndpoints(
      playground,
      playground.topology.nodes.map(({ name }) => name),
    );
    await table.until(hops => hops.join() === all.join());
    const gone: number[] = [];
    const came: number[] = [];
    for (let i = -5; i < count; i++) {
      const left = playground.topology.nodes[Math.abs(i) % NODES] as (typeof playground.topology.nodes)[number];
      const others = playground.topology.nodes.filter(node => node !== left);
      const withdrawn = await timed(
        () =>
          writeEndpoints(
            playground,
            others.map(({ name }) => name),
          ),
        table,
        hops => !hops.includes(left.ipv4),
      );
      await pause();
      const announced = await timed(
        () =>
          writeEndpoints(
            playground,
            playground.topology.nodes.map(({ name }) => name),
          ),
        table,
        hops => hops.length === NODES,
      );
      await pause();
      // The first five warm up compilers and caches; they are not counted.
      if (i < 0) continue;
      gone.push(withdrawn);
      came.push(announced);
    }
    await table.stop();
    printTable([SPREAD_HEADING, spread('endpoint goes to route gone, ms', gone), spread('endpoint comes to route there, ms', came)]);
    return { ...figures(gone, 'withdraw'), ...figures(came, 'announce') };
  } finally {
    await playground.stop();
  }
}

function figures(samples: readonly number[], name: string): Record<string, number> {
  return {
    [`${name}_p50_ms`]: round(quantile(samples, 0.5)),
    [`${name}_p99_ms`]: round(quantile(samples, 0.99)),
  };
}

async function timed(change: () => Promise<void>, table: KernelTable, holds: (hops: readonly string[]) => boolean): Promise<number> {
  const started = performance.now();
  const [at] = await Promise.all([table.until(holds), change()]);
  return at - started;
}

/** Irregular, so that no timer of ours or the router's is in step with it. */
function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 150 + Math.random() * 150));
}

function object(kind: string, spec: object): KubeObject {
  return { apiVersion: 'heraldlb.io/v1beta1', kind, metadata: { name: 'bgp', namespace: 'herald-system' }, spec } as KubeObject;
}

async function configure(playground: Playground): Promise<void> {
  const options = { fieldManager: 'bench', force: true };
  const peer = { myASN: 64500, peerASN: 64501, peerAddress: playground.topology.router.ipv4, connectTime: '1s' };
  await playground.client.apply(
    herald('IPAddressPool', 'ipaddresspools'),
    object('IPAddressPool', { addresses: [`${ADDRESS}/32`] }),
    options,
  );
  await playground.client.apply(herald('BGPAdvertisement', 'bgpadvertisements'), object('BGPAdvertisement', {}), options);
  await playground.client.apply(herald('BGPPeer', 'bgppeers'), object('BGPPeer', peer), options);
  // Without a selector nobody but us writes its EndpointSlice.
  await playground.client.create(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port: 80 }] },
  });
}

async function writeEndpoints(playground: Playground, names: readonly string[]): Promise<void> {
  const metadata = { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } };
  const endpoints = names.map(nodeName => ({
    addresses: [`10.42.${nodeName.slice(2)}.200`],
    nodeName,
    conditions: { ready: true, serving: true, terminating: false },
  }));
  await playground.client.apply(
    endpointSlices,
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata,
      addressType: 'IPv4',
      ports: [{ port: 80, protocol: 'TCP' }],
      endpoints,
    },
    { fieldManager: 'bench', force: true },
  );
}

/** The next hops of the address as the router's kernel tells them, with the time at which each change was read. */
class KernelTable {
  #hops: readonly string[] = [];
  #at = 0;
  #wake: () => void = () => undefined;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    let reading = false;
    let hops: string[] = [];
    // One route is a line, or with several next hops a line and one more for each.
    createInterface(child.stdout as NonNullable<ChildProcess['stdout']>).on('line', line => {
      if (!/^\s/.test(line)) {
        reading = line.includes(ADDRESS);
        hops = [];
        if (!reading) return;
        if (line.startsWith('Deleted')) {
          reading = false;
          this.#set([]);
          return;
        }
      }
      if (!reading) return;
      for (const match of line.matchAll(/via (\S+)/g)) hops.push(match[1] ?? '');
      this.#set(hops);
    });
  }

  static async start(playground: Playground): Promise<KernelTable> {
    const table = new KernelTable(playground.sandbox.spawn(playground.topology.router.name, ['stdbuf', '-oL', 'ip', 'monitor', 'route']));
    await new Promise(resolve => setTimeout(resolve, 500));
    return table;
  }

  #set(hops: readonly string[]): void {
    this.#hops = [...hops].sort();
    this.#at = performance.now();
    this.#wake();
  }

  /** When the table came to be so, on the clock of `performance.now()`; at most 30 s from now. */
  async until(holds: (hops: readonly string[]) => boolean): Promise<number> {
    const deadline = performance.now() + 30_000;
    while (!holds(this.#hops)) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`the router's table stays at: ${this.#hops.join(', ') || 'no route'}`);
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#at;
  }

  async stop(): Promise<void> {
    const ended = new Promise(resolve => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }
}
