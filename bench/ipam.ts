import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Allocator, buildRequest } from '@herald/controller/allocator';
import { TestCluster, TestProxy } from '@herald/controller/testing';
import { resolve } from '@herald/crds';
import { printTable, quantile, round, SPREAD_HEADING, spread } from './figures.ts';

export const description =
  'assignment: filling a /16, IPv6 with 100,000 in use, one change among 100 and 10,000 Services, writes after a restart';

const rounds = 7;

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const many = Number(args[0] ?? 10_000);
  const fill = samples(rounds, () => fillSeconds('10.1.0.0/16', 65_536, 'IPv4'));
  const empty = samples(rounds, () => allocationMicros(0));
  const full = samples(rounds, () => allocationMicros(100_000));
  printTable([
    SPREAD_HEADING,
    spread(
      'fill a /16 (65,536 Services), ms',
      fill.map(seconds => seconds * 1000),
    ),
    spread('one address of an empty /64, µs', empty),
    spread('one address of a /64 with 100,000 in use, µs', full),
  ]);
  const few = await clusterFigures(100);
  const crowd = await clusterFigures(many);
  printTable([
    ['one Service is replaced among', 'CPU ms', 'reads', 'writes', 'settled in s', 'writes on restart'],
    ...[few, crowd].map(each => [each.services, round(each.cpuMs, 2), each.reads, each.writes, round(each.settledS), each.writesOnRestart]),
  ]);
  return {
    fill_slash16_s: round(quantile(fill, 0.5), 3),
    v6_empty_us: round(quantile(empty, 0.5), 1),
    v6_100000_us: round(quantile(full, 0.5), 1),
    settle_10000_s: round(crowd.settledS, 2),
    writes_on_restart: crowd.writesOnRestart,
    change_cost_ratio_10000_vs_100: round(crowd.cpuMs / few.cpuMs, 2),
    change_cpu_ms: round(crowd.cpuMs, 2),
    change_writes: crowd.writes,
    change_reads: crowd.reads,
  };
}

function samples(count: number, measure: () => number): number[] {
  // The first two warm up the compiler.
  return Array.from({ length: count + 2 }, measure).slice(2);
}

function allocator(range: string): Allocator {
  const { config } = resolve([
    {
      apiVersion: 'heraldlb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: { namespace: 'herald-system', name: 'bench' },
      spec: { addresses: [range] },
    },
  ]);
  const result = new Allocator();
  result.configure(config);
  result.setNamespace('bench', {});
  return result;
}

function requestOf(name: string, family: 'IPv4' | 'IPv6', at: number) {
  const metadata = { namespace: 'bench', name, uid: name, creationTimestamp: new Date(1_700_000_000_000 + at * 1000).toISOString() };
  const spec = {
    type: 'LoadBalancer',
    clusterIPs: [family === 'IPv4' ? '10.96.0.1' : 'fd00::1'],
    ipFamilies: [family],
    ports: [{ port: 80 }],
  };
  return buildRequest({ metadata, spec }).request;
}

/** One Service after the other, each settled before the next one comes. */
function fillSeconds(range: string, count: number, family: 'IPv4' | 'IPv6'): number {
  const subject = allocator(range);
  const requests = Array.from({ length: count }, (_, i) => requestOf(`s-${i}`, family, i));
  const started = performance.now();
  for (const request of requests) {
    subject.observe(request, []);
    subject.settle(0);
  }
  const seconds = (performance.now() - started) / 1000;
  const left = subject.usage().find(usage => usage.capacity > 0n)?.available;
  if (left !== 0n) throw new Error(`${left} addresses are left after filling ${range}`);
  return seconds;
}

/** One allocation in a /64 where so many addresses are in use, every second one, so that gaps abound. */
function allocationMicros(inUse: number): number {
  const subject = allocator('fc00::/64');
  for (let i = 0; i < inUse * 2; i++) subject.observe(requestOf(`s-${i}`, 'IPv6', i), []);
  subject.settle(0);
  for (let i = 0; i < inUse * 2; i += 2) subject.remove(`bench/s-${i}`);
  subject.settle(0);
  const requests = Array.from({ length: 2000 }, (_, i) => requestOf(`new-${i}`, 'IPv6', i));
  const started = performance.now();
  for (const request of requests) {
    subject.observe(request, []);
    subject.settle(0);
  }
  return ((performance.now() - started) * 1000) / requests.length;
}

interface ClusterFigures {
  services: number;
  /** From the start of the controller on that many pending Services until the last one has its address. */
  settledS: number;
  /** CPU time of the controller for one Service deleted and another one created. */
  cpuMs: number;
  /** Requests for that. */
  reads: number;
  writes: number;
  writesOnRestart: number;
}

/** The whole controller as a process of its own, on the embedded API server, every request counted on the way. */
async function clusterFigures(count: number): Promise<ClusterFigures> {
  const cluster = await TestCluster.start({ network: { serviceCidrs: ['10.64.0.0/12'] } });
  const proxy = new TestProxy(cluster.server.url);
  const traffic = { reads: 0, writes: 0 };
  proxy.fault = ({ method, path, watch }) => {
    // The lease is renewed whatever happens.
    if (path.includes('/leases/') || watch) return undefined;
    if (method === 'GET') traffic.reads++;
    else traffic.writes++;
    return undefined;
  };
  const folder = await mkdtemp(join(tmpdir(), 'herald-bench-'));
  const kubeconfig = join(folder, 'kubeconfig');
  let controller: Controller | undefined;
  try {
    await proxy.up();
    await writeFile(kubeconfig, kubeconfigOf(proxy.url));
    await cluster.pool('bench', ['10.1.0.0/16']);
    await inBatches(count, 64, i => cluster.createService(`s-${i}`));
    const assigned = assignedCounter(cluster);
    const started = performance.now();
    controller = await Controller.start(kubeconfig);
    await until(() => assigned() === count, `${count} Services to have addresses`);
    const settledS = (performance.now() - started) / 1000;
    await quiet(traffic);

    const changes = 100;
    const costs: number[] = [];
    const before = { ...traffic };
    for (let round = 0; round < 3; round++) {
      const cpu = await controller.cpuMs();
      for (let i = 0; i < changes; i++) {
        const n = round * changes + i;
        await cluster.deleteService(`s-${n % count}`);
        await cluster.createService(`s-${n % count}`);
        await until(() => assigned() === count, 'the new Service to have an address');
      }
      await quiet(traffic);
      costs.push(((await controller.cpuMs()) - cpu) / changes);
    }
    const reads = round((traffic.reads - before.reads) / (3 * changes), 2);
    const writes = round((traffic.writes - before.writes) / (3 * changes), 2);

    await controller.stop();
    const atRest = traffic.writes;
    controller = await Controller.start(kubeconfig);
    await controller.leads();
    await quiet(traffic, 3000);
    return { services: count, settledS, cpuMs: quantile(costs, 0.5), reads, writes, writesOnRestart: traffic.writes - atRest };
  } finally {
    await controller?.stop();
    await proxy.down();
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function hasAddress(object: unknown): boolean {
  return ((object as { status?: { loadBalancer?: { ingress?: unknown[] } } }).status?.loadBalancer?.ingress?.length ?? 0) > 0;
}

/** Counts the Services that have an address, without asking. */
function assignedCounter(cluster: TestCluster): () => number {
  let count = 0;
  cluster.server.cluster.store.table('services').listen(({ type, current, previous }) => {
    count += Number(type !== 'DELETED' && hasAddress(current.object)) - Number(previous !== undefined && hasAddress(previous.object));
  });
  return () => count;
}

/** `herald controller` as a process. */
class Controller {
  readonly #child: ReturnType<typeof spawn>;
  readonly #exited: Promise<unknown>;
  #log = '';

  private constructor(kubeconfig: string) {
    const root = fileURLToPath(new URL('..', import.meta.url));
    const flags = ['controller', '--kubeconfig', kubeconfig, '--http-address', 'off', '--kube-api-qps', '0'];
    this.#child = spawn(process.execPath, ['--import', 'tsx', 'cli/herald.ts', ...flags], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-100_000);
      });
    }
    this.#exited = new Promise(resolve => {
      this.#child.once('exit', resolve);
    });
  }

  static async start(kubeconfig: string): Promise<Controller> {
    return new Controller(kubeconfig);
  }

  async leads(): Promise<void> {
    await until(() => this.#log.includes('"leading"'), 'the controller to lead');
  }

  /** User and system time so far (`proc_pid_stat(5)`). */
  async cpuMs(): Promise<number> {
    const fields = (await readFile(`/proc/${this.#child.pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
    const { stdout } = await promisify(execFile)('getconf', ['CLK_TCK']);
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / Number(stdout);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    await this.#exited;
  }
}

async function inBatches(count: number, size: number, work: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i += size) await Promise.all(Array.from({ length: Math.min(size, count - i) }, (_, k) => work(i + k)));
}

async function until(holds: () => boolean, what: string, timeoutMs = 600_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`timed out waiting for ${what}`);
    await pause(2);
  }
}

/** Waits until there was no request for a while. */
async function quiet(traffic: { reads: number; writes: number }, forMs = 1000): Promise<void> {
  for (let before = -1; before !== traffic.reads + traffic.writes; ) {
    before = traffic.reads + traffic.writes;
    await pause(forMs);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms);
  });
}

function kubeconfigOf(server: string): string {
  const name = 'bench';
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server } }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
}
