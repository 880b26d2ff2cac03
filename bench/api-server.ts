import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { check, loadPlays, loadRecord, pool } from '../test/contract/player.ts';

/** How much the embedded API server carries: 10,000 Services and 1,000 Nodes with 20 watchers of each kind. */
export const description = 'the embedded API server: creates per second, watch latency, memory, the recorded plays';

const SERVICES = 10_000;
const NODES = 1_000;
const WATCHERS = 20;
const CONNECTIONS = 32;
const PATCHES = 500;
const PLAYS_AT_A_TIME = 24;

const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });

export async function run(): Promise<Record<string, unknown>> {
  const server = await startServer();
  try {
    const watchers = [...(await watch(server.url, '/api/v1/services')), ...(await watch(server.url, '/api/v1/nodes'))];
    const nodes = await timed(() => createAll(server.url, '/api/v1/nodes', NODES, node));
    const services = await timed(() => createAll(server.url, '/api/v1/namespaces/default/services', SERVICES, service));
    const rss_mb = residentMb(server.process);
    const latencies = await patchLatencies(
      server.url,
      watchers.filter(watcher => watcher.path.endsWith('services')),
    );
    for (const watcher of watchers) watcher.close();
    const list_ms = await timed(() => request(server.url, 'GET', '/api/v1/services'));
    const figures = {
      creates_per_s: Math.round(SERVICES / (services / 1000)),
      node_creates_per_s: Math.round(NODES / (nodes / 1000)),
      watch_p50_ms: quantile(latencies, 0.5),
      watch_p99_ms: quantile(latencies, 0.99),
      list_10000_ms: Math.round(list_ms),
      rss_mb,
    };
    const plays = await replay();
    const all = { ...figures, ...plays };
    for (const [name, value] of Object.entries(all)) process.stdout.write(`${name.padEnd(22)} ${value}\n`);
    return all;
  } finally {
    agent.destroy();
    await server.stop();
  }
}

interface Server {
  url: string;
  process: ChildProcess;
  stop: () => Promise<void>;
}

/** The server as a command of its own, so that its memory and its processor are not the client's. */
async function startServer(): Promise<Server> {
  const main = new URL('../packages/kube-apiserver-lite/src/main.ts', import.meta.url).pathname;
  const networks = ['--service-cidr', '10.43.0.0/16,2001:cafe:43::/112', '--node-port-range', '30000-32767'];
  const child = spawn(process.execPath, ['--import', 'tsx', main, '--port', '0', ...networks], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>(resolve => {
    child.once('exit', () => resolve());
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^ready (\S+)$/.exec(line)?.[1];
    if (url === undefined) continue;
    return {
      url,
      process: child,
      stop: async () => {
        child.kill('SIGTERM');
        await exited;
      },
    };
  }
  throw new Error('the API server ended before it was ready');
}

function request(url: string, method: string, path: string, body?: object): Promise<number> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const headers = payload === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(payload) };
  return new Promise((resolve, reject) => {
    const sent = http.request(new URL(path, url), { agent, method, headers }, response => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(payload);
  });
}

const service = (i: number): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: `service-${i}`, labels: { app: `app-${i % 100}` } },
  spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80, targetPort: 8080 }] },
});

const node = (i: number): object => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: `node-${i}` },
  status: { addresses: [{ type: 'InternalIP', address: `10.${i >> 8}.${i & 255}.1` }], conditions: [{ type: 'Ready', status: 'True' }] },
});

async function createAll(url: string, path: string, count: number, make: (i: number) => object): Promise<void> {
  const numbers = Array.from({ length: count }, (_, i) => i);
  await pool(numbers, CONNECTIONS, async i => {
    const status = await request(url, 'POST', path, make(i));
    if (status !== 201) throw new Error(`create ${i} at ${path} was answered with ${status}`);
  });
}

interface Watcher {
  path: string;
  /** Called with every event's text. */
  onEvent: (text: string) => void;
  close: () => void;
}

/** Opens {@link WATCHERS} watches of a collection, each on a connection of its own. */
async function watch(url: string, path: string): Promise<Watcher[]> {
  const open = (): Promise<Watcher> =>
    new Promise((resolve, reject) => {
      const sent = http.get(new URL(`${path}?watch=true`, url), { agent: false }, response => {
        const watcher: Watcher = { path, onEvent: () => {}, close: () => sent.destroy() };
        response.on('error', () => {});
        const lines = createInterface({ input: response });
        lines.on('line', line => watcher.onEvent(line));
        lines.on('error', () => {});
        resolve(watcher);
      });
      sent.on('error', reject);
    });
  return Promise.all(Array.from({ length: WATCHERS }, open));
}

/** Milliseconds from sending a change until each watcher has it. */
async function patchLatencies(url: string, watchers: readonly Watcher[]): Promise<number[]> {
  const latencies: number[] = [];
  for (let i = 0; i < PATCHES; i++) {
    const mark = `"bench":"${i}"`;
    const path = `/api/v1/namespaces/default/services/service-${(i * 17) % SERVICES}`;
    const seen = watchers.map(
      watcher =>
        new Promise<number>(resolve => {
          watcher.onEvent = text => {
            if (text.includes(mark)) resolve(performance.now());
          };
        }),
    );
    const sent = performance.now();
    await request(url, 'PATCH', path, { metadata: { annotations: { bench: String(i) } } });
    for (const at of await Promise.all(seen)) latencies.push(at - sent);
  }
  return latencies;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const quantile = (values: readonly number[], q: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0).toFixed(2));
};

function residentMb({ pid }: ChildProcess): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}

/** The recorded plays, on a server of their own; a real API server with its controllers takes about 105 s one after the other. */
async function replay(): Promise<{ contract_s: number; contract_failed: number }> {
  const server = await startServer();
  try {
    const record = loadRecord();
    let contract_failed = 0;
    const plays = await loadPlays();
    const milliseconds = await timed(() =>
      pool(plays, PLAYS_AT_A_TIME, async play => {
        if ((await check(server, play, record[play.name])).length > 0) contract_failed++;
      }),
    );
    return { contract_s: Number((milliseconds / 1000).toFixed(1)), contract_failed };
  } finally {
    await server.stop();
  }
}
