import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Daemon, Host } from './lan.ts';
import { findProgram, run, until } from './run.ts';

/** BIRD in a namespace. */
export class Bird {
  readonly host: Host;
  readonly daemon: Daemon;
  /** Its control socket. */
  readonly socket: string;

  private constructor(host: Host, daemon: Daemon, socket: string) {
    this.host = host;
    this.daemon = daemon;
    this.socket = socket;
  }

  /** What is missing on this machine to run BIRD, or undefined. */
  static async missing(): Promise<string | undefined> {
    return (await findProgram('/usr/sbin/bird')) ? undefined : 'BIRD is not installed (apt-get install bird2)';
  }

  static async start(host: Host, configuration: string): Promise<Bird> {
    const directory = join(host.lan.directory, `bird-${host.name}`);
    await mkdir(directory);
    const file = join(directory, 'bird.conf');
    const socket = join(directory, 'bird.ctl');
    await writeFile(file, configuration);
    const daemon = host.start('/usr/sbin/bird', ['-f', '-c', file, '-s', socket, '-P', join(directory, 'bird.pid')], {
      log: join(directory, 'bird.out'),
    });
    const bird = new Bird(host, daemon, socket);
    await until('BIRD answers', async () => (await bird.ask('show', 'status')).includes('Daemon is up'), { explain: () => daemon.output });
    return bird;
  }

  /** What `birdc` answers. */
  async ask(...words: string[]): Promise<string> {
    return await run('birdc', ['-s', this.socket, ...words]);
  }

  /** All there is about a prefix; an empty text when BIRD does not have it. */
  async route(prefix: string): Promise<string> {
    // birdc fails when it knows no such network.
    const answer = await this.ask('show', 'route', 'all', prefix).catch((error: Error) => error.message);
    if (!answer.includes('BIRD 2')) throw new Error(answer);
    return answer.includes('BGP.as_path') ? answer : '';
  }

  /** Routes of all protocols, both families. */
  async count(): Promise<number> {
    const answer = await this.ask('show', 'route', 'count');
    return [...answer.matchAll(/(\d+) of \d+ routes/g)].reduce((sum, match) => sum + Number(match[1]), 0);
  }

  async waitEstablished(protocol: string): Promise<void> {
    await until(`BIRD's ${protocol} is up`, async () => (await this.ask('show', 'protocols', protocol)).includes('Established'), {
      explain: () => this.ask('show', 'protocols', 'all'),
    });
  }
}
