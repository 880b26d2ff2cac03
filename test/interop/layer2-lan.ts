import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  MESH_PROFILES,
  nodeIdOf,
  type SegmentReport,
  type WireAddress,
  type WireEvent,
  type WireOptions,
  WireThread,
} from '@herald/speaker/testing';
import { Namespace } from 'raw-socket/testing';

/** What holds the addresses of a node: its NIC, or a device on top of it. */
export type LanDevice = 'nic' | 'bridge' | 'macvlan' | 'vlan' | 'bond' | 'vrf';

export interface LanOptions {
  /** Both unless told. */
  families?: readonly (4 | 6)[];
  /** Of the nodes; the client's is its NIC, on the same VLAN. */
  device?: LanDevice;
  /** Bridges of their own, with a NIC of every host: `eth0` in 10.66.0.0/24 and fd66::/64, `eth1` in 10.67.0.0/24 and fd67::/64. One unless told. */
  bridges?: 1 | 2;
}

/** The interface that holds a node's addresses. */
export const LAN_DEVICES: Readonly<Record<LanDevice, string>> = {
  nic: 'eth0',
  bridge: 'lan0',
  macvlan: 'lan0',
  vlan: 'eth0.5',
  bond: 'bond0',
  vrf: 'eth0',
};

/** Whether this kernel has such devices. */
export function hasDevice(kind: LanDevice): boolean {
  if (kind === 'nic') return true;
  const name = `l2${randomBytes(4).toString('hex')}`;
  try {
    // A macvlan or VLAN device needs something beneath, which a bridge always is.
    execFileSync('ip', ['netns', 'add', name], { stdio: 'ignore' });
    execFileSync('ip', ['-n', name, 'link', 'add', 'below', 'type', 'bridge'], { stdio: 'ignore' });
    execFileSync('ip', ['-n', name, 'link', 'add', ...deviceWords(kind, 'below', 'above')], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
  }
}

/** A LAN in network namespaces: nodes with the wire thread of a speaker on each, and a client, on one bridge. */
export class SpeakerLan {
  readonly nodes: LanNode[] = [];
  readonly client: Namespace;
  readonly #id = `l2${randomBytes(3).toString('hex')}`;
  readonly #namespaces: string[] = [];
  readonly #clusterUid = randomBytes(8).toString('hex');
  readonly #families: readonly (4 | 6)[];
  readonly #bridges: readonly number[];

  constructor(count: number, options: LanOptions = {}) {
    const device = options.device ?? 'nic';
    this.#families = options.families ?? [4, 6];
    this.#bridges = options.bridges === 2 ? [0, 1] : [0];
    try {
      this.#add('br');
      for (const bridge of this.#bridges) {
        this.#ip('-n', `${this.#id}br`, 'link', 'add', `br${bridge}`, 'type', 'bridge', 'mcast_snooping', '0');
        this.#ip('-n', `${this.#id}br`, 'link', 'set', `br${bridge}`, 'up');
      }
      this.client = this.#host('c', 9, device === 'vlan' ? 'vlan' : 'nic');
      for (let index = 1; index <= count; index++)
        this.nodes.push(new LanNode(`node-${index}`, this.#host(`${index}`, index, device), this.#clusterUid));
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

  /** Pulls a cable of the node out of its bridge (its own link stays up), or puts it back. */
  cable(index: number, connected: boolean, bridge = 0): void {
    const port = portOf(`${index + 1}`, bridge);
    this.#ip('-n', `${this.#id}br`, 'link', 'set', port, ...(connected ? ['master', `br${bridge}`] : ['nomaster']));
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

  #host(suffix: string, last: number, device: LanDevice): Namespace {
    const name = this.#add(suffix);
    const mac = macOf(0, last);
    this.#ip('-n', name, 'link', 'set', 'lo', 'up');
    for (const bridge of this.#bridges) {
      const port = portOf(suffix, bridge);
      const nic = `eth${bridge}`;
      const peer = ['type', 'veth', 'peer', 'name', nic, 'address', macOf(bridge, last), 'netns', name];
      this.#ip('-n', `${this.#id}br`, 'link', 'add', port, ...peer);
      this.#ip('-n', `${this.#id}br`, 'link', 'set', port, 'master', `br${bridge}`, 'up');
      const own = bridge === 0 ? this.#stack(name, nic, device, mac) : nic;
      this.#ip('-n', name, 'link', 'set', nic, 'up');
      if (this.#families.includes(4)) this.#ip('-n', name, 'addr', 'add', `10.6${6 + bridge}.0.${last}/24`, 'dev', own);
      if (this.#families.includes(6)) this.#ip('-n', name, 'addr', 'add', `fd6${6 + bridge}::${last}/64`, 'dev', own, 'nodad');
    }
    return new Namespace(name, mac);
  }

  /** Puts the device on top of a NIC that is still down; its name. */
  #stack(name: string, nic: string, device: LanDevice, mac: string): string {
    const own = LAN_DEVICES[device];
    if (device === 'nic') return own;
    const ip = (...args: string[]) => this.#ip('-n', name, ...args);
    const top = device === 'vrf' ? 'vrf0' : own;
    // Two devices with one MAC on one cable: the upper one is the host's.
    if (device === 'macvlan') ip('link', 'set', nic, 'address', mac.replace('02:66', '02:76'));
    ip('link', 'add', ...deviceWords(device, nic, top));
    if (device === 'bridge' || device === 'bond' || device === 'vrf') ip('link', 'set', nic, 'master', top);
    if (device === 'bridge' || device === 'bond' || device === 'macvlan') ip('link', 'set', own, 'address', mac);
    ip('link', 'set', top, 'up');
    return own;
  }

  #add(suffix: string): string {
    const name = this.#id + suffix;
    this.#ip('netns', 'add', name);
    this.#namespaces.push(name);
    const setting = this.#families.includes(6) ? 'echo 0 > $d/accept_dad' : 'echo 1 > $d/disable_ipv6';
    execFileSync('ip', ['netns', 'exec', name, 'sh', '-c', `for d in /proc/sys/net/ipv6/conf/*; do ${setting}; done`], { stdio: 'ignore' });
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

/** The words after `ip link add` for a device on top of another. */
function deviceWords(device: LanDevice, below: string, name: string): string[] {
  switch (device) {
    case 'macvlan':
      return [name, 'link', below, 'type', 'macvlan', 'mode', 'bridge'];
    case 'vlan':
      return [name, 'link', below, 'type', 'vlan', 'id', '5'];
    case 'bridge':
      return [name, 'type', 'bridge', 'mcast_snooping', '0'];
    case 'bond':
      return [name, 'type', 'bond', 'mode', 'active-backup', 'miimon', '50'];
    case 'vrf':
      return [name, 'type', 'vrf', 'table', '100'];
    case 'nic':
      return [name, 'type', 'veth'];
  }
}

/** A host's port on a bridge. */
function portOf(suffix: string, bridge: number): string {
  return bridge === 0 ? `p${suffix}` : `p${suffix}-${bridge}`;
}

function macOf(bridge: number, last: number): string {
  return `02:6${6 + bridge}:00:00:00:${last.toString(16).padStart(2, '0')}`;
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

  /** Names of the nodes that it hears on an interface. */
  hears(device = 'eth0'): readonly string[] {
    return this.#reported(device)?.peersHeard ?? [];
  }

  /** Whether it may take addresses: it has listened, and has no doubt about itself. */
  ready(device = 'eth0'): boolean {
    return this.#reported(device)?.listening === false;
  }

  #reported(device: string): SegmentReport | undefined {
    return this.events.findLast(event => event.kind === 'report')?.segments.find(segment => segment.interface === device);
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
  timeout = 30_000,
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
