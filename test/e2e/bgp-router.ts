import type { FrrRouter, Playground } from '@herald/playground';
import { kubectl } from './cluster.ts';
import { until } from './wait.ts';

interface Neighbor {
  bgpState?: string;
  connectionsEstablished: number;
  connectionsDropped: number;
  messageStats: { updatesRecv: number; notificationsRecv: number };
}

/** What a router counts of its sessions with the nodes, by their addresses. */
export async function neighbors(router: FrrRouter): Promise<Record<string, Neighbor>> {
  const all = await router.json<Record<string, Partial<Neighbor>>>('show bgp neighbors json');
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, Neighbor] => entry[1].messageStats !== undefined));
}

/** Sessions that came up and UPDATEs that came in, by node: equal means that nothing was reset, and nothing said. */
export async function counts(router: FrrRouter): Promise<Record<string, { up: number; down: number; updates: number }>> {
  return Object.fromEntries(
    Object.entries(await neighbors(router)).map(([address, { connectionsEstablished, connectionsDropped, messageStats }]) => [
      address,
      { up: connectionsEstablished, down: connectionsDropped, updates: messageStats.updatesRecv },
    ]),
  );
}

interface Path {
  valid: boolean;
  stale?: boolean;
  community?: { string: string };
  peer?: { peerId: string };
}

/** The paths to an address in a router's BGP table, by the node they come from. */
export async function paths(router: FrrRouter, prefix: string): Promise<Record<string, Path>> {
  const route = await router.json<{ paths?: Path[] }>(`show bgp ${prefix.includes(':') ? 'ipv6' : 'ipv4'} unicast ${prefix} json`);
  const found = (route.paths ?? []).map((path): [string, Path] => [path.peer?.peerId ?? '', path]);
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The nodes that the LAN's router forwards an address to, from its kernel's own table. */
export async function nextHops(playground: Playground, ip: string): Promise<string[]> {
  const { stdout } = await playground.exec('router', ['ip', ...(ip.includes(':') ? ['-6'] : []), 'route', 'show', ip]);
  return [...stdout.matchAll(/via (\S+)/g)].map(match => match[1] ?? '').sort();
}

/** Waits until a BGPPeer says that so many nodes of so many have the session. */
export async function established(playground: Playground, peer: string, count: string): Promise<void> {
  await until(`BGPPeer ${peer} to be ${count}`, async () => (await peerField(playground, peer, 'established')) === count);
}

/** A field of a BGPPeer's status as kubectl prints it. */
export function peerField(playground: Playground, peer: string, field: string): Promise<string> {
  return kubectl(playground, 'get', 'bgppeers.heraldlb.io', peer, '-n', 'herald-system', '-o', `jsonpath={.status.${field}}`);
}

/** The condition heraldlb.io/Announced of a Service: its reason and message. */
export async function announced(playground: Playground, service: string, reason: string): Promise<string> {
  const path =
    'jsonpath={.status.conditions[?(@.type=="heraldlb.io/Announced")].reason} {.status.conditions[?(@.type=="heraldlb.io/Announced")].message}';
  return until(`${service} to be ${reason}`, async () => {
    const text = await kubectl(playground, 'get', 'svc', service, '-o', path);
    return text.startsWith(`${reason} `) ? text : undefined;
  });
}

/** Applies YAML; it must be accepted as it is. */
export async function apply(playground: Playground, yaml: string): Promise<void> {
  const result = await playground.kubectl(['apply', '-f', '-'], { input: yaml });
  if (result.code !== 0 || result.stderr !== '') throw new Error(`kubectl apply: ${result.stderr}`);
}

/** One sample of a speaker's metrics, with the labels as they are printed. */
export async function metric(playground: Playground, node: string, sample: string): Promise<number | undefined> {
  const { stdout } = await playground.exec(node, ['curl', '-sS', '-m', '2', 'http://127.0.0.1:9125/metrics']);
  const line = stdout.split('\n').find(each => each.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
}

/** The same sample of each node's speaker; 0 where there is none yet. */
export function metricOfEach(playground: Playground, sample: string): Promise<number[]> {
  return Promise.all(playground.topology.nodes.map(async ({ name }) => (await metric(playground, name, sample)) ?? 0));
}
