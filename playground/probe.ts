import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Playground } from './playground.ts';

/** One answer that the client got, or the error it got instead. */
export interface Answer {
  /** Milliseconds since the epoch. */
  at: number;
  ok: boolean;
  text: string;
}

/** Asks an address over and over from the client, which sees only the LAN, until it is stopped or `duration` ms are over. */
export class Probe {
  readonly answers: Answer[] = [];
  readonly #child;
  readonly #ended: Promise<void>;
  #wake: () => void = () => undefined;

  constructor(playground: Playground, address: string, port: number, options: { interval?: number; duration?: number } = {}) {
    const script = fileURLToPath(new URL('./probe.mjs', import.meta.url));
    const words = [address, String(port), String(options.interval ?? 20), String(options.duration ?? 60_000)];
    this.#child = playground.sandbox.spawn(playground.topology.client.name, [process.execPath, script, ...words]);
    this.#ended = new Promise(resolve => this.#child.once('exit', () => resolve()));
    if (this.#child.stdout) {
      createInterface(this.#child.stdout).on('line', line => {
        const [at, status, ...rest] = line.split(' ');
        this.answers.push({
          at: Number(at),
          ok: status === '200',
          text: status === '200' ? rest.join(' ') : line.slice(line.indexOf(' ') + 1),
        });
        this.#wake();
      });
    }
  }

  /** The first answer that satisfies `wanted`, waiting for it at most `timeout` ms. */
  async first(wanted: (answer: Answer) => boolean, timeout: number): Promise<Answer | undefined> {
    const deadline = Date.now() + timeout;
    for (;;) {
      const found = this.answers.find(wanted);
      if (found) return found;
      const left = deadline - Date.now();
      if (left <= 0 || this.#child.exitCode !== null) return undefined;
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }
}
