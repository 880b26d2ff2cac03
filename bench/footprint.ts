import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Client, endpointSlices, nodes, services } from '@herald/kube';
import { type Program, run as runProgram } from '@herald/playground';
import { createLan, missing } from 'raw-socket/testing';
import { Door } from '../test/pods/door.ts';
import { type PodOptions, startPod } from '../test/pods/pod.ts';
import { installRelease, namespace, type Release } from '../test/pods/release.ts';
import { printTable, quantile, round, SPREAD_HEADING, spread } from './figures.ts';

export const description =
  'start-up and memory of the pods of the chart, run from the bundle as in the image: speaker idle, controller with 10,000 Services (arguments: starts, Services, node binary)';

const PORT = 16_443;
const VIPS = '10.10.0.0/16';

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const lacking = missing({ capabilities: ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_NET_RAW'], programs: ['ip', 'unshare', 'setpriv'] });
  if (lacking !== undefined) throw new Error(lacking);
  const starts = Number(args[0] ?? 9);
  const many = Number(args[1] ?? 10_000);
  const node = args[2] ?? process.execPath;
  const folder = mkdtempSync(join(tmpdir(), 'herald-footprint-'));
  const image = join(folder, 'image');
  const root = fileURLToPath(new URL('..', import.meta.url));
  const built = await runProgram([process.execPath, '--import', 'tsx', 'scripts/bundle.ts', image], { cwd: root, timeout: 120_000 });
  if (built.code !== 0) throw new Error(`could not bundle herald: ${built.stderr}`);
  const values = ['ipAddressPools[0].name=lan', `ipAddressPools[0].spec.addresses[0]=${VIPS}`];
  const release = await installRelease(join(folder, 'release'), values);
  const lan = createLan();
  const door = new Door(lan.host, PORT, release.port);
  try {
    const pod = (name: string): Pick<PodOptions, 'image' | 'node' | 'fields' | 'folder'> => ({
      image,
      node,
      fields: { 'spec.nodeName': 'n1', 'metadata.name': name, 'metadata.namespace': namespace },
      folder: join(folder, name),
    });
    const status = { addresses: [{ type: 'InternalIP', address: '10.66.0.1' }] };
    await release.client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, status });
    const account = release.account('speaker', PORT);
    const speakers = await speaker(release, { ...pod('speaker'), netns: lan.host.name, account }, starts);
    const controllers = await controller(release, { ...pod('controller'), account: release.account('controller', release.port) }, many);
    printTable([SPREAD_HEADING, spread('speaker: start to ready, ms', speakers.ready)]);
    printTable([['resident memory, MB', 'all', 'anonymous', 'file', 'peak'], speakers.memory.row, ...controllers.map(({ row }) => row)]);
    const { version } = await versionOf(node);
    return {
      speaker_ready_ms: round(quantile(speakers.ready, 0.5), 0),
      speaker_ready_max_ms: round(Math.max(...speakers.ready), 0),
      speaker_rss_mb: speakers.memory.rss,
      controller_rss_mb: controllers[0]?.rss,
      [`controller_rss_${many}_mb`]: controllers[1]?.rss,
      [`controller_rss_${many}_restarted_mb`]: controllers[2]?.rss,
      [`controller_peak_${many}_mb`]: controllers[2]?.peak,
      node: version,
    };
  } finally {
    await door.close();
    lan.close();
    await release.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Starts a speaker again and again, and leaves the last one in peace for a while. */
async function speaker(release: Release, options: PodOptions, starts: number) {
  const spec = await release.pod('speaker');
  const ready: number[] = [];
  for (let n = 0; ; n++) {
    const started = performance.now();
    const program = await startPod(spec, options);
    // The first start fills the page cache.
    if (n > 0) ready.push(performance.now() - started);
    if (n < starts) {
      await program.stop();
      continue;
    }
    await sleep(20_000);
    const memory = memoryOf('speaker, idle', program);
    await program.stop();
    return { ready, memory };
  }
}

/** A controller with nothing, then with Services that come one after the other, then restarted among them. */
async function controller(release: Release, options: PodOptions, many: number): Promise<Memory[]> {
  const spec = await release.pod('controller');
  const memory: Memory[] = [];
  let program = await startPod(spec, options);
  await sleep(5_000);
  memory.push(memoryOf('controller, no Service', program));
  await createServices(release.client, many);
  await allAssigned(release);
  await sleep(20_000);
  memory.push(memoryOf(`controller, ${many} Services created`, program));
  await program.stop();
  program = await startPod(spec, options);
  await sleep(20_000);
  memory.push(memoryOf(`controller, restarted among them`, program));
  await program.stop();
  return memory;
}

/** Services as they are: labels, two ports, and an EndpointSlice with three endpoints each. */
async function createServices(client: Client, count: number): Promise<void> {
  const batch = 64;
  for (let i = 0; i < count; i += batch)
    await Promise.all(Array.from({ length: Math.min(batch, count - i) }, (_, k) => createOne(client, i + k)));
}

async function createOne(client: Client, i: number): Promise<void> {
  const name = `service-${i}`;
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': `shop-${i % 50}`, 'app.kubernetes.io/managed-by': 'Helm' };
  const ports = [
    { name: 'http', port: 80, targetPort: 8080 },
    { name: 'https', port: 443, targetPort: 8443 },
  ];
  await client.create(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', labels },
    spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, selector: { 'app.kubernetes.io/name': name }, ports },
  });
  const endpoint = (n: number) => ({
    addresses: [`10.42.${n}.${i % 250}`],
    nodeName: `n${n}`,
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: {
      kind: 'Pod',
      namespace: 'default',
      name: `${name}-7d4b9c-${n}`,
      uid: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
    },
  });
  await client.create(endpointSlices, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-x7k2p`, namespace: 'default', labels: { ...labels, 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [
      { name: 'http', port: 8080 },
      { name: 'https', port: 8443 },
    ],
    endpoints: [1, 2, 3].map(endpoint),
  });
}

async function allAssigned({ server }: Release): Promise<void> {
  const pending = () =>
    [...server.cluster.store.table('services').list()].filter(({ object }) => {
      const { spec, status } = object as { spec?: { type?: string }; status?: { loadBalancer?: { ingress?: unknown[] } } };
      return spec?.type === 'LoadBalancer' && (status?.loadBalancer?.ingress?.length ?? 0) === 0;
    }).length;
  for (const end = performance.now() + 300_000; pending() > 0; await sleep(500)) {
    if (performance.now() > end) throw new Error(`${pending()} Services have no address`);
  }
}

interface Memory {
  rss: number;
  peak: number;
  row: (string | number)[];
}

/** Resident memory as the kernel counts it against the limit of a container, and more: the file part is shared with other processes of the image. */
function memoryOf(name: string, { pid }: Program): Memory {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [rss = 0, anonymous = 0, file = 0, peak = 0] = ['VmRSS', 'RssAnon', 'RssFile', 'VmHWM'].map(key =>
    Math.round(Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024),
  );
  return { rss, peak, row: [name, rss, anonymous, file, peak] };
}

async function versionOf(node: string): Promise<{ version: string }> {
  return { version: (await runProgram([node, '--version'])).stdout.trim() };
}
