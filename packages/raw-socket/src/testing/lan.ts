import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { interfaces } from '../netlink/tables.ts';
import { inNetworkNamespace } from '../netns.ts';

/** Two network namespaces, joined by a veth pair: `host`, whose sockets a test opens, and `peer`, who talks to it. */
export interface Lan {
  readonly host: Namespace;
  readonly peer: Namespace;
  close(): void;
}

export class Namespace {
  readonly name: string;
  readonly path: string;
  /** Of its end of the cable; always called `eth0`. */
  readonly mac: string;

  constructor(name: string, mac: string) {
    this.name = name;
    this.path = `/run/netns/${name}`;
    this.mac = mac;
  }

  /** Runs `body` with this thread inside. It must not wait. */
  enter<T>(body: () => T): T {
    return inNetworkNamespace(this.path, body);
  }

  /** Runs a program inside and returns what it prints; throws when it fails. */
  run(command: string, ...args: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.name, command, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** The same, with text for its standard input. */
  input(text: string, command: string, ...args: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.name, command, ...args], {
      encoding: 'utf8',
      input: text,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** The same, but failure is a result. */
  try(command: string, ...args: string[]): { status: number; output: string } {
    try {
      return { status: 0, output: this.run(command, ...args) };
    } catch (error) {
      const failed = error as { status: number | null; stdout: string; stderr: string };
      return { status: failed.status ?? -1, output: failed.stdout + failed.stderr };
    }
  }
}

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/**
 * The host is 10.66.0.1 and fd66::1, the peer 10.66.0.2 and fd66::2.
 * @param options.bridge a switch (a bridge in a namespace of its own) stands between them instead of one cable
 */
export function createLan(options: { bridge?: boolean } = {}): Lan {
  const id = randomBytes(4).toString('hex');
  const host = new Namespace(`rs-${id}-h`, '02:66:00:00:00:01');
  const peer = new Namespace(`rs-${id}-p`, '02:66:00:00:00:02');
  const bridge = options.bridge ? `rs-${id}-b` : undefined;
  const names = [host.name, peer.name, ...(bridge === undefined ? [] : [bridge])];
  const close = (): void => {
    for (const name of names) {
      try {
        ip('netns', 'delete', name);
      } catch {
        // Not made, or gone already.
      }
    }
  };
  try {
    for (const name of names) {
      ip('netns', 'add', name);
      // Without duplicate address detection the link-local addresses can be used at once.
      inNetworkNamespace(`/run/netns/${name}`, () => writeFileSync('/proc/sys/net/ipv6/conf/default/accept_dad', '0'));
    }
    if (bridge === undefined) cable(host, { name: 'eth0', address: peer.mac, netns: peer.name });
    else {
      ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
      ip('-n', bridge, 'link', 'set', 'br0', 'up');
      for (const [port, end] of [host, peer].entries()) {
        cable(end, { name: `port${port}`, netns: bridge });
        ip('-n', bridge, 'link', 'set', `port${port}`, 'master', 'br0', 'up');
      }
    }
    for (const [i, { name }] of [host, peer].entries()) {
      ip('-n', name, 'link', 'set', 'lo', 'up');
      ip('-n', name, 'addr', 'add', `10.66.0.${i + 1}/24`, 'dev', 'eth0');
      ip('-n', name, 'addr', 'add', `fd66::${i + 1}/64`, 'dev', 'eth0', 'nodad');
      ip('-n', name, 'link', 'set', 'eth0', 'up');
    }
    for (const { path } of [host, peer]) awaitCarrier(path);
  } catch (error) {
    close();
    throw error;
  }
  return { host, peer, close };
}

/** A veth pair from `eth0` of a namespace to what `peer` describes in the words of ip-link(8). */
function cable(end: Namespace, peer: Record<string, string>): void {
  ip('-n', end.name, 'link', 'add', 'eth0', 'address', end.mac, 'type', 'veth', 'peer', ...Object.entries(peer).flat());
}

/** The kernel takes up to a second over telling that a link works, and IPv6 begins only then. */
function awaitCarrier(path: string): void {
  const end = performance.now() + 10_000;
  const ready = (): boolean =>
    inNetworkNamespace(path, interfaces).some(info => info.name === 'eth0' && info.running && info.addresses.some(a => a.scope === 'link'));
  while (!ready()) {
    if (performance.now() > end) throw new Error(`eth0 of ${path} did not come up`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
}
