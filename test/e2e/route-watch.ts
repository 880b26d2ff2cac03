import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Playground } from '@herald/playground';
import { until } from './wait.ts';

/** Listens to the router's kernel for every change of the routes to an address: what a poll may miss. */
export class RouteWatch {
  readonly changes: string[] = [];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ip: string) {
    this.#child = child;
    createInterface(child.stdout as NonNullable<ChildProcess['stdout']>).on('line', line => {
      if (line.includes(ip)) this.changes.push(line.trim());
    });
  }

  static async start(playground: Playground, ip: string): Promise<RouteWatch> {
    const watch = new RouteWatch(playground.sandbox.spawn('router', ['ip', 'monitor', 'route']), ip);
    // Until a change that we make ourselves is heard, the socket may not listen yet.
    const marker = '198.51.100.1';
    const heard = { marker: false };
    watch.#child.stdout?.on('data', (chunk: Buffer) => (heard.marker ||= chunk.toString().includes(marker)));
    await until('ip monitor route to say something', async () => {
      await playground.exec('router', ['ip', 'route', 'replace', 'blackhole', marker]);
      await playground.exec('router', ['ip', 'route', 'del', 'blackhole', marker]);
      return heard.marker;
    });
    return watch;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise(resolve => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }
}
