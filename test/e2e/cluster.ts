import { spawnSync } from 'node:child_process';
import { Playground, type PlaygroundNode } from '@herald/playground';
import { until } from './wait.ts';

/** Whether this machine lets us make network namespaces; the end-to-end tests are skipped where it does not. */
export const canMakeNamespaces: boolean =
  spawnSync('unshare', [...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']), '--mount', '--net', 'true']).status === 0;

export const hasKubectl: boolean = spawnSync('kubectl', ['version', '--client']).status === 0;

/** `kubectl …`, which must succeed; its output. */
export async function kubectl(playground: Playground, ...args: string[]): Promise<string> {
  const result = await playground.kubectl(args);
  if (result.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

/** The EXTERNAL-IP of a Service as kubectl prints it, once it has one. */
export function externalIp(playground: Playground, service: string): Promise<string> {
  return until(`an EXTERNAL-IP for ${service}`, async () => {
    const line = (await kubectl(playground, 'get', 'svc', service, '--no-headers')).trim().split(/\s+/);
    const ip = line[3];
    return ip !== undefined && !ip.startsWith('<') ? ip : undefined;
  });
}

/** What the client gets for `http://address:port/`, or undefined when it gets nothing. */
export async function ask(playground: Playground, address: string, port: number): Promise<string | undefined> {
  const host = address.includes(':') ? `[${address}]` : address;
  const result = await playground.exec('client', ['curl', '-sS', '-m', '2', `http://${host}:${port}/`]);
  return result.code === 0 ? result.stdout.trim() : undefined;
}

/** The node whose MAC address the client's neighbour table holds for an address. */
export async function announcer(playground: Playground, address: string): Promise<PlaygroundNode | undefined> {
  const { stdout } = await playground.exec('client', ['ip', 'neigh', 'show', address]);
  const mac = /lladdr (\S+)/.exec(stdout)?.[1];
  return playground.topology.nodes.find(node => node.mac === mac);
}
