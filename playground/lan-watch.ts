import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Playground } from './playground.ts';

/** Someone said that an address is at a MAC. */
export interface Reply {
  /** Milliseconds since the epoch, with fractions. */
  at: number;
  address: string;
  mac: string;
}

/** Asks the LAN for addresses by ARP or NDP from the client, every few milliseconds, and keeps the answers. */
export class LanWatch {
  readonly replies: Reply[] = [];
  readonly #child: ChildProcess;
  #onReply: (() => void) | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(playground: Playground): Promise<LanWatch> {
    const script = fileURLToPath(new URL('./lan-client.ts', import.meta.url));
    const child = playground.sandbox.spawn(
      playground.topology.client.name,
      [process.execPath, '--import', 'tsx', script, playground.topology.interface],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
        cwd: fileURLToPath(new URL('..', import.meta.url)),
      },
    );
    const watch = new LanWatch(child);
    await new Promise<void>((resolve, reject) => {
      child.once('exit', code => reject(new Error(`the LAN client ended with code ${code}`)));
      createInterface(child.stdout as NonNullable<ChildProcess['stdout']>).on('line', line => {
        const [word, at, address = '', mac = ''] = line.split(' ');
        if (word === 'ready') resolve();
        if (word !== 'reply') return;
        watch.replies.push({ at: Number(at), address, mac });
        watch.#onReply?.();
      });
    });
    return watch;
  }

  /** Asks for an address every `interval` ms from now on. */
  ask(address: string, interval = 5): void {
    this.#child.stdin?.write(`ask ${address} ${interval}\n`);
  }

  stopAsking(address: string): void {
    this.#child.stdin?.write(`stop ${address}\n`);
  }

  /** The first answer for an address after a moment, or undefined when none comes within `timeout` ms. */
  async first(address: string, after: number, timeout: number): Promise<Reply | undefined> {
    const deadline = Date.now() + timeout;
    for (;;) {
      const found = this.replies.find(reply => reply.address === address && reply.at > after);
      const left = deadline - Date.now();
      if (found || left <= 0) return found;
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left);
        this.#onReply = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The last answer for an address before it fell silent for `quiet` ms. */
  async last(address: string, quiet: number, timeout: number): Promise<Reply | undefined> {
    const deadline = Date.now() + timeout;
    for (;;) {
      const latest = this.replies.findLast(reply => reply.address === address);
      const age = Date.now() - (latest?.at ?? 0);
      if (age >= quiet) return latest;
      if (Date.now() > deadline) return undefined;
      await sleep(Math.max(1, quiet - age));
    }
  }

  async stop(): Promise<void> {
    const ended = new Promise(resolve => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}
