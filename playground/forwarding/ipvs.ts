import { spawn } from 'node:child_process';
import type { ServiceView } from './objects.ts';
import { externalAddresses } from './rules.ts';

/** Where kube-proxy in IPVS mode binds the addresses of all Services. A dummy interface there, a bridge without ports here (some kernels lack the former); down in both. */
const device = 'kube-ipvs0';

/** The addresses kube-proxy in IPVS mode binds: those of the cluster, and all that lead in from outside, but none with `ipMode: Proxy`. */
export function boundAddresses(services: readonly ServiceView[]): string[] {
  const addresses = services.flatMap(service => {
    if (service.spec?.clusterIP === 'None' || service.spec?.type === 'ExternalName') return [];
    return [...(service.spec?.clusterIPs ?? []), ...externalAddresses(service)];
  });
  return [...new Set(addresses)].sort();
}

/**
 * What IPVS mode does to a node beyond forwarding: every address of a Service becomes one of the node's own. For the address of another
 * node that means that this node no longer finds the way to it.
 */
export class BoundAddresses {
  #bound: ReadonlySet<string> = new Set();

  async begin(): Promise<void> {
    await batch([`link add ${device} type bridge`]);
  }

  async update(services: readonly ServiceView[]): Promise<void> {
    const wanted = new Set(boundAddresses(services));
    const bound = this.#bound;
    this.#bound = wanted;
    await batch([
      ...[...bound].filter(address => !wanted.has(address)).map(address => `addr del ${prefix(address)} dev ${device}`),
      ...[...wanted].filter(address => !bound.has(address)).map(address => `addr add ${prefix(address)} dev ${device}`),
    ]);
  }
}

const prefix = (address: string): string => (address.includes(':') ? `${address}/128` : `${address}/32`);

/** Runs commands of ip(8). */
function batch(lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const child = spawn('ip', ['-batch', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.once('error', reject);
    child.once('exit', code => (code === 0 ? resolve() : reject(new Error(`ip refused: ${said.slice(0, 2000)}`))));
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${lines.join('\n')}\n`);
  });
}
