import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.ts';

export interface HostOptions {
  /** Addresses with prefix length, on `eth0`. */
  readonly addresses?: readonly string[];
  /** Addresses with prefix length, on `lo`. */
  readonly loopback?: readonly string[];
}

const SYSCTLS = [
  'net.ipv4.ip_forward=1',
  'net.ipv6.conf.all.forwarding=1',
  'net.ipv6.conf.all.accept_dad=0',
  'net.ipv6.conf.default.accept_dad=0',
  'net.ipv4.conf.all.rp_filter=0',
  'net.ipv4.conf.default.rp_filter=0',
  // Hash on ports: otherwise one client uses one of several next hops.
  'net.ipv4.fib_multipath_hash_policy=1',
  'net.ipv6.fib_multipath_hash_policy=1',
];

/** A machine on a {@link Lan}: a network namespace with `eth0` on the LAN's bridge. */
export class Host {
  readonly name: string;
  readonly namespace: string;
  readonly lan: Lan;

  constructor(lan: Lan, name: string, namespace: string) {
    this.lan = lan;
    this.name = name;
    this.namespace = namespace;
  }

  /** Runs `ip` with these arguments in the namespace. */
  async ip(...args: string[]): Promise<string> {
    return await run('ip', ['-n', this.namespace, ...args]);
  }

  /** Runs a program in the namespace to its end. */
  async run(command: string, ...args: string[]): Promise<string> {
    return await run('ip', ['netns', 'exec', this.namespace, command, ...args]);
  }

  /** Starts a program in the namespace; it ends with the LAN at the latest. */
  start(
    command: string,
    args: readonly string[],
    options: { readonly log?: string; readonly env?: NodeJS.ProcessEnv; readonly ipc?: boolean } = {},
  ): Daemon {
    const child = spawn('ip', ['netns', 'exec', this.namespace, command, ...args], {
      stdio: options.ipc ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      detached: true,
    });
    return this.lan.adopt(new Daemon(child, options.log));
  }

  /** Takes the link down or up at the switch: the machine loses its carrier. */
  async setLink(up: boolean): Promise<void> {
    await run('ip', ['-n', this.lan.switchNamespace, 'link', 'set', 'dev', this.name, up ? 'up' : 'down']);
  }

  /** Detaches the machine from the bridge, or attaches it: carrier stays up, nothing passes. */
  async plug(connected: boolean): Promise<void> {
    const args = connected ? ['master', 'br0'] : ['nomaster'];
    await run('ip', ['-n', this.lan.switchNamespace, 'link', 'set', 'dev', this.name, ...args]);
  }
}

/** A child process that is stopped by its own id. */
export class Daemon {
  readonly process: ChildProcess;
  readonly #exited: Promise<void>;
  #output = '';

  constructor(child: ChildProcess, log?: string) {
    this.process = child;
    const file = log === undefined ? undefined : createWriteStream(log);
    const keep = (chunk: Buffer) => {
      file?.write(chunk);
      this.#output = (this.#output + chunk.toString()).slice(-8192);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    this.#exited = new Promise(resolve => {
      child.once('error', error => {
        this.#output += error.message;
        resolve();
      });
      child.once('exit', () => {
        file?.end();
        resolve();
      });
    });
  }

  /** The last of what it has printed. */
  get output(): string {
    return this.#output;
  }

  get running(): boolean {
    return this.process.pid !== undefined && this.process.exitCode === null && this.process.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.process.kill(signal);
  }

  /** To it and to what it has forked: it leads its own process group. */
  signalAll(signal: NodeJS.Signals): void {
    if (this.process.pid === undefined) return;
    try {
      process.kill(-this.process.pid, signal);
    } catch {
      // Nobody left in the group.
    }
  }

  /** Asks it to end, and kills it and what it has started after `patience` ms. */
  async stop(patience = 3000): Promise<void> {
    if (!this.running) return;
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signalAll('SIGKILL'), patience);
    await this.#exited;
    clearTimeout(timer);
    this.signalAll('SIGKILL');
  }

  /** Kills it without a chance to say goodbye. */
  async kill(): Promise<void> {
    this.signalAll('SIGKILL');
    if (this.process.pid !== undefined) await this.#exited;
  }
}

/** A switch and machines on it, all in network namespaces of their own names; {@link Lan.close} leaves nothing behind. */
export class Lan {
  readonly id: string;
  /** A directory for configurations, sockets and logs. */
  readonly directory: string;
  readonly switchNamespace: string;
  /** Its machines, by name. */
  readonly hosts = new Map<string, Host>();
  readonly #namespaces: string[] = [];
  readonly #daemons: Daemon[] = [];

  private constructor(id: string, directory: string) {
    this.id = id;
    this.directory = directory;
    this.switchNamespace = `${id}-sw`;
  }

  static async create(): Promise<Lan> {
    const id = `bgp${randomBytes(3).toString('hex')}`;
    const directory = await mkdtemp(join(tmpdir(), `${id}-`));
    // Daemons drop to users of their own and must reach their directories below.
    await chmod(directory, 0o755);
    const lan = new Lan(id, directory);
    try {
      await lan.#namespace(lan.switchNamespace);
      const bridge = ['link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0', 'forward_delay', '0', 'stp_state', '0'];
      await run('ip', ['-n', lan.switchNamespace, ...bridge]);
      await run('ip', ['-n', lan.switchNamespace, 'link', 'set', 'br0', 'up']);
    } catch (error) {
      await lan.close();
      throw error;
    }
    return lan;
  }

  /** Adds a machine. Names are at most 14 characters: they are the names of the switch's ports as well. */
  async host(name: string, options: HostOptions = {}): Promise<Host> {
    const namespace = `${this.id}-${name}`;
    await this.#namespace(namespace);
    const host = new Host(this, name, namespace);
    this.hosts.set(name, host);
    await host.run('sysctl', '-qw', ...SYSCTLS);
    await host.ip('link', 'set', 'lo', 'up');
    await host.ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', name, 'netns', this.switchNamespace);
    await run('ip', ['-n', this.switchNamespace, 'link', 'set', 'dev', name, 'master', 'br0', 'up']);
    await host.ip('link', 'set', 'eth0', 'up');
    for (const address of options.addresses ?? []) await addAddress(host, address, 'eth0');
    for (const address of options.loopback ?? []) await addAddress(host, address, 'lo');
    return host;
  }

  /** A link between two machines beside the switch, with these interface names. */
  async link(a: Host, nameA: string, b: Host, nameB: string): Promise<void> {
    await a.ip('link', 'add', nameA, 'type', 'veth', 'peer', 'name', nameB, 'netns', b.namespace);
    await a.ip('link', 'set', nameA, 'up');
    await b.ip('link', 'set', nameB, 'up');
  }

  adopt(daemon: Daemon): Daemon {
    this.#daemons.push(daemon);
    return daemon;
  }

  /** Ends every process, deletes every namespace and the directory. */
  async close(): Promise<void> {
    await Promise.all(this.#daemons.map(daemon => daemon.stop()));
    for (const namespace of this.#namespaces.reverse()) await run('ip', ['netns', 'delete', namespace]).catch(() => '');
    await rm(this.directory, { recursive: true, force: true });
  }

  async #namespace(name: string): Promise<void> {
    await run('ip', ['netns', 'add', name]);
    this.#namespaces.push(name);
  }
}

async function addAddress(host: Host, address: string, device: string): Promise<void> {
  await host.ip('addr', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : []));
}
