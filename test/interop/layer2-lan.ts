import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { MESH_PROFILES, nodeIdOf, type WireAddress, type WireEvent, type WireOptions, WireThread } from '@herald/speaker/testing';
import { Namespace } from 'raw-socket/testing';

/** A LAN in network namespaces: nodes with the wire thread of a speaker on each, and a client, on one bridge. */
export class SpeakerLan {
  readonly nodes: LanNode[] = [];
  readonly client: Namespace;
  readonly #id = `l2${randomBytes(3).toString('hex')}`;
  readonly #namespaces: string[] = [];
  readonly #clusterUid = randomBytes(8).toString('hex');

  constructor(count: number) {
    try {
      this.#add('br');
      this.#ip('-n', `${this.#id}br`, 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
      this.#ip('-n', `${this.#id}br`, 'link', 'set', 'br0', 'up');
      this.client = this.#host('c', 9);
      for (let index = 1; index <= count; index++)
        this.nodes.push(new LanNode(`node-${index}`, this.#host(`${index}`, index), this.#clusterUid));
    } catch (error) {
      this.#delete();
      throw error;
    }
  }

  node(index: number): LanNode {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`there is no node ${index}`);
    return node;
  }

  /** Another process of the same node. The caller ends it. */
  twin(index: number): LanNode {
    const { name, host } = this.node(index);
    return new LanNode(name, host, this.#clusterUid);
  }

  /** Pulls the node's cable out of the bridge (its own link stays up), or puts it back. */
  cable(index: number, connected: boolean): void {
    const port = `p${index + 1}`;
    this.#ip('-n', `${this.#id}br`, 'link', 'set', port, ...(connected ? ['master', 'br0'] : ['nomaster']));
  }

  plan(addresses: readonly WireAddress[]): void {
    for (const node of this.nodes) node.thread?.command({ kind: 'addresses', set: addresses, remove: [] });
  }

  /** The one node that owns the address, if it is exactly one. */
  owner(ip: string): LanNode | undefined {
    const owners = this.nodes.filter(node => node.owns(ip));
    return owners.length === 1 ? owners[0] : undefined;
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map(async node => node.stop()));
    this.#delete();
  }

  #host(suffix: string, last: number): Namespace {
    const name = this.#add(suffix);
    const bridge = `${this.#id}br`;
    const mac = `02:66:00:00:00:${last.toString(16).padStart(2, '0')}`;
    this.#ip('-n', bridge, 'link', 'add', `p${suffix}`, 'type', 'veth', 'peer', 'name', 'eth0', 'address', mac, 'netns', name);
    this.#ip('-n', bridge, 'link', 'set', `p${suffix}`, 'master', 'br0', 'up');
    this.#ip('-n', name, 'addr', 'add', `10.66.0.${last}/24`, 'dev', 'eth0');
    this.#ip('-n', name, 'addr', 'add', `fd66::${last}/64`, 'dev', 'eth0', 'nodad');
    this.#ip('-n', name, 'link', 'set', 'lo', 'up');
    this.#ip('-n', name, 'link', 'set', 'eth0', 'up');
    return new Namespace(name, mac);
  }

  #add(suffix: string): string {
    const name = this.#id + suffix;
    this.#ip('netns', 'add', name);
    this.#namespaces.push(name);
    execFileSync('ip', ['netns', 'exec', name, 'sh', '-c', 'for f in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 > $f; done'], {
      stdio: 'ignore',
    });
    return name;
  }

  #ip(...args: string[]): void {
    execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  #delete(): void {
    for (const name of this.#namespaces) {
      try {
        this.#ip('netns', 'delete', name);
      } catch {
        // Gone already.
      }
    }
  }
}

/** A node of the LAN and the wire thread that runs inside it. */
export class LanNode {
  readonly name: string;
  readonly id: string;
  readonly host: Namespace;
  readonly events: WireEvent[] = [];
  thread: WireThread | undefined;
  readonly #clusterUid: string;

  constructor(name: string, host: Namespace, clusterUid: string) {
    this.name = name;
    this.id = nodeIdOf(name);
    this.host = host;
    this.#clusterUid = clusterUid;
  }

  /** Starts the thread; threads are born in the namespace of the thread that starts them. */
  start(options: Partial<WireOptions> = {}): void {
    this.events.length = 0;
    const all: WireOptions = {
      node: this.name,
      clusterUid: this.#clusterUid,
      addresses: [],
      secrets: [Buffer.alloc(32, 7)],
      port: 7947,
      timers: MESH_PROFILES.default,
      excludeInterfaces: ['lo'],
      realtime: true,
      responder: 'packet',
      caretaker: true,
      ...options,
    };
    this.thread = this.host.enter(() => new WireThread());
    this.thread.begin(all, event => this.events.push(event));
  }

  /** Ends it without a word, as a crash would. */
  async stop(): Promise<void> {
    const { thread } = this;
    this.thread = undefined;
    await thread?.stop();
  }

  owns(ip: string): boolean {
    if (this.thread === undefined) return false;
    const last = this.events.findLast(event => (event.kind === 'acquired' || event.kind === 'released') && event.ip === ip);
    return last?.kind === 'acquired';
  }

  /** Events of one kind about an address. */
  about<K extends WireEvent['kind']>(kind: K, ip: string): Extract<WireEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<WireEvent, { kind: K }> => event.kind === kind && 'ip' in event && event.ip === ip);
  }
}

/** An address that any of the nodes may own, first the first. */
export function planned(ip: string, nodes: readonly LanNode[], change: Partial<WireAddress> = {}): WireAddress {
  return { ip, nodes: nodes.map(node => node.id), interfaces: [], epoch: 1, hold: 0, drain: 0, restored: [], lameDucks: [], ...change };
}

/** Waits until `condition` gives something, and gives it. */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  timeout = 15_000,
): Promise<T> {
  const end = performance.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`waited ${timeout} ms in vain for ${what}`);
    await new Promise(resolve => {
      setTimeout(resolve, 10);
    });
  }
}
