import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Daemon, Host } from './lan.ts';
import { findProgram, run, until } from './run.ts';

export interface FrrOptions {
  /** bgpd's configuration. */
  readonly bgpd: string;
  readonly zebra?: string;
  /** bfdd's configuration; bfdd runs when this is given. */
  readonly bfdd?: string;
}

/** FRR in a namespace: zebra, bgpd and, if asked for, bfdd, with directories and sockets of their own. */
export class Frr {
  readonly host: Host;
  readonly directory: string;
  readonly daemons: ReadonlyMap<string, Daemon>;

  private constructor(host: Host, directory: string, daemons: ReadonlyMap<string, Daemon>) {
    this.host = host;
    this.directory = directory;
    this.daemons = daemons;
  }

  /** What is missing on this machine to run FRR, or undefined. */
  static async missing(): Promise<string | undefined> {
    return (await findProgram('/usr/lib/frr/bgpd')) ? undefined : 'FRR is not installed (apt-get install frr)';
  }

  static async start(host: Host, options: FrrOptions): Promise<Frr> {
    const directory = join(host.lan.directory, `frr-${host.name}`);
    await mkdir(directory);
    const configurations: Record<string, string | undefined> = { zebra: options.zebra ?? '', bgpd: options.bgpd, bfdd: options.bfdd };
    await writeFile(join(directory, 'vtysh.conf'), '');
    const [uid, gid] = [Number(await run('id', ['-u', 'frr'])), Number(await run('id', ['-g', 'frr']))];
    await chown(directory, uid, gid);
    const daemons = new Map<string, Daemon>();
    for (const [name, configuration] of Object.entries(configurations)) {
      if (configuration === undefined) continue;
      const file = join(directory, `${name}.conf`);
      await writeFile(file, configuration);
      await chown(file, uid, gid);
      const common = ['-f', file, '-i', join(directory, `${name}.pid`), '--vty_socket', directory, '-z', join(directory, 'zserv.api')];
      const own = name === 'bfdd' ? ['--bfdctl', join(directory, 'bfdd.sock')] : [];
      daemons.set(name, host.start(`/usr/lib/frr/${name}`, [...common, '-P', '0', ...own], { log: join(directory, `${name}.out`) }));
      const frr = new Frr(host, directory, daemons);
      await until(`${name} answers`, async () => (await frr.vtysh('show version', name)).includes('FRRouting'), {
        explain: () => daemons.get(name)?.output ?? '',
      });
    }
    return new Frr(host, directory, daemons);
  }

  /** Runs one command, on one daemon or on all. */
  async vtysh(command: string, daemon?: string): Promise<string> {
    const only = daemon === undefined ? [] : ['-d', daemon];
    return await run('vtysh', ['--vty_socket', this.directory, '--config_dir', this.directory, ...only, '-c', command]);
  }

  /** The answer to a `show … json` command. */
  async json<T>(command: string): Promise<T> {
    return JSON.parse(await this.vtysh(command)) as T;
  }

  /** Changes the running configuration: lines as under `configure terminal`. */
  async configure(...lines: string[]): Promise<void> {
    const commands = ['configure terminal', ...lines].flatMap(line => ['-c', line]);
    await run('vtysh', ['--vty_socket', this.directory, '--config_dir', this.directory, ...commands]);
  }

  /** A neighbour as `show bgp neighbors` has it; undefined when there is none. */
  async neighbor(address: string): Promise<FrrNeighbor | undefined> {
    return (await this.json<Record<string, FrrNeighbor>>(`show bgp neighbors ${address} json`))[address];
  }

  async waitEstablished(address: string, timeout?: number): Promise<FrrNeighbor> {
    return await until(
      `FRR has a session with ${address}`,
      async () => {
        const neighbor = await this.neighbor(address);
        return neighbor?.bgpState === 'Established' ? neighbor : undefined;
      },
      { ...(timeout !== undefined && { timeout }), explain: () => this.vtysh('show bgp summary') },
    );
  }

  /** A prefix in BGP's table with its paths; undefined when it is not there. */
  async route(prefix: string): Promise<FrrRoute | undefined> {
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4';
    const route = await this.json<FrrRoute>(`show bgp ${family} unicast ${prefix} json`);
    return route.paths?.length ? route : undefined;
  }

  /** How many prefixes BGP has of a family, from all neighbours. */
  async count(family: 'ipv4' | 'ipv6'): Promise<number> {
    const summary =
      await this.json<Record<string, { ribCount?: number; peers?: Record<string, { pfxRcd: number }> }>>('show bgp summary json');
    return Object.values(summary[`${family}Unicast`]?.peers ?? {}).reduce((sum, peer) => sum + peer.pfxRcd, 0);
  }
}

export interface FrrNeighbor {
  readonly bgpState: string;
  readonly lastResetDueTo?: string;
  readonly lastNotificationReason?: string;
  readonly lastShutdownDescription?: string;
  readonly hostname?: string;
  readonly connectionsEstablished: number;
  readonly neighborCapabilities?: Record<string, unknown>;
  readonly messageStats?: Record<string, number>;
}

export interface FrrPath {
  readonly valid: boolean;
  readonly stale?: boolean;
  readonly multipath?: boolean;
  readonly metric?: number;
  readonly med?: number;
  readonly locPrf?: number;
  readonly localpref?: number;
  readonly origin: string;
  readonly aspath: { readonly string: string };
  readonly community?: { readonly string: string; readonly list: readonly string[] };
  readonly largeCommunity?: { readonly string: string };
  readonly extendedCommunity?: { readonly string: string };
  readonly nexthops: readonly { readonly ip: string; readonly afi: string }[];
  readonly peer: { readonly peerId: string };
}

export interface FrrRoute {
  readonly prefix: string;
  readonly paths: readonly FrrPath[];
}
