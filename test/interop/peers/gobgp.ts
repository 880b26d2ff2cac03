import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Daemon, Host } from './lan.ts';
import { findProgram, run, until } from './run.ts';

export interface GobgpNeighbor {
  readonly state: { readonly session_state?: number; readonly neighbor_address: string };
}

/** GoBGP in a namespace. */
export class Gobgp {
  readonly host: Host;
  readonly daemon: Daemon;
  readonly #api: string;

  private constructor(host: Host, daemon: Daemon, api: string) {
    this.host = host;
    this.daemon = daemon;
    this.#api = api;
  }

  /** What is missing on this machine to run GoBGP, or undefined. */
  static async missing(): Promise<string | undefined> {
    return (await findProgram('/usr/sbin/gobgpd', '/usr/bin/gobgpd')) ? undefined : 'GoBGP is not installed (apt-get install gobgpd)';
  }

  /** `configuration` is TOML. */
  static async start(host: Host, configuration: string): Promise<Gobgp> {
    const directory = join(host.lan.directory, `gobgp-${host.name}`);
    await mkdir(directory);
    const file = join(directory, 'gobgp.toml');
    const api = `unix://${join(directory, 'api.sock')}`;
    await writeFile(file, configuration);
    const daemon = host.start('gobgpd', ['-f', file, '-t', 'toml', '-p', '-l', 'info', '--api-hosts', api, '--pprof-disable'], {
      log: join(directory, 'gobgp.out'),
    });
    const gobgp = new Gobgp(host, daemon, api);
    await until('GoBGP answers', async () => (await gobgp.ask('global')).includes('AS:'), { explain: () => daemon.output });
    return gobgp;
  }

  /** The unix socket of its API. */
  get socket(): string {
    return this.#api.slice('unix://'.length);
  }

  /** What the client answers. */
  async ask(...words: string[]): Promise<string> {
    return await run('gobgp', ['--target', this.#api, ...words]);
  }

  /** A prefix of the global table as the client prints it; an empty text when it is not there. */
  async route(prefix: string): Promise<string> {
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4';
    const answer = await this.ask('global', 'rib', '-a', family, prefix);
    return answer.includes('Network not in table') ? '' : answer;
  }

  async waitEstablished(address: string): Promise<void> {
    await until(
      `GoBGP has a session with ${address}`,
      async () => (await this.ask('neighbor', address)).includes('BGP state = ESTABLISHED'),
      {
        explain: () => this.daemon.output,
      },
    );
  }
}
