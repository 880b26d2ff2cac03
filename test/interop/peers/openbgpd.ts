import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Daemon, Host } from './lan.ts';
import { findProgram, run, until } from './run.ts';

const PROGRAM = '/usr/sbin/bgpd';

/** OpenBGPD in a namespace. One at a time uses `/run/openbgpd`, the home of its unprivileged user. */
export class Openbgpd {
  readonly host: Host;
  readonly daemon: Daemon;
  readonly #socket: string;

  private constructor(host: Host, daemon: Daemon, socket: string) {
    this.host = host;
    this.daemon = daemon;
    this.#socket = socket;
  }

  /** What is missing on this machine to run OpenBGPD, or undefined. */
  static async missing(): Promise<string | undefined> {
    return (await findProgram('/usr/sbin/bgpctl')) ? undefined : 'OpenBGPD is not installed (apt-get install openbgpd)';
  }

  /** `configuration` gets the line for the control socket in front. */
  static async start(host: Host, configuration: string): Promise<Openbgpd> {
    const directory = join(host.lan.directory, `openbgpd-${host.name}`);
    await mkdir(directory);
    await mkdir('/run/openbgpd', { recursive: true, mode: 0o755 });
    const file = join(directory, 'bgpd.conf');
    const socket = join(directory, 'bgpd.sock');
    await writeFile(file, `socket "${socket}"\n${configuration}`);
    await chmod(file, 0o600);
    const daemon = host.start(PROGRAM, ['-d', '-v', '-f', file], { log: join(directory, 'bgpd.out') });
    const openbgpd = new Openbgpd(host, daemon, socket);
    await until('OpenBGPD answers', async () => (await openbgpd.ask('show')).includes('Neighbor'), { explain: () => daemon.output });
    return openbgpd;
  }

  /** What `bgpctl` answers. */
  async ask(...words: string[]): Promise<string> {
    return await run('bgpctl', ['-s', this.#socket, ...words]);
  }

  /** All there is about a prefix; an empty text when it is not there. */
  async route(prefix: string): Promise<string> {
    const answer = await this.ask('show', 'rib', 'detail', prefix);
    return answer.includes('BGP routing table entry') ? answer : '';
  }

  async waitEstablished(neighbor: string): Promise<void> {
    await until(
      `OpenBGPD has a session with ${neighbor}`,
      async () => (await this.ask('show', 'neighbor', neighbor)).includes('BGP state = Established'),
      { explain: () => this.daemon.output },
    );
  }
}
