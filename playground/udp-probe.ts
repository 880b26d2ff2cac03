import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Playground } from './playground.ts';

/** A run of datagrams without an answer. */
export interface Blackout {
  /** When its first datagram was sent, milliseconds since the epoch. */
  at: number;
  /** Until the sending of the first datagram that was answered again. */
  ms: number;
  lost: number;
}

export interface UdpResult {
  sent: number;
  answered: number;
  blackouts: Blackout[];
}

export interface UdpProbeOptions {
  /** Milliseconds between datagrams; 1 unless told. */
  interval?: number;
  /** The host that asks; the LAN's client unless told. */
  host?: string;
}

/** A client that sends a datagram to an address (or to each of several) every millisecond, each of which an echo behind the Service answers. */
export class UdpProbe {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  static async start(
    playground: Playground,
    address: string | readonly string[],
    port: number,
    options: UdpProbeOptions = {},
  ): Promise<UdpProbe> {
    const script = fileURLToPath(new URL('./udp-client.mjs', import.meta.url));
    const words = [process.execPath, script, [address].flat().join(), String(port), String(options.interval ?? 1)];
    const child = playground.sandbox.spawn(options.host ?? playground.topology.client.name, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(child.stdout as NonNullable<ChildProcess['stdout']>)[Symbol.asyncIterator]();
    await lines.next();
    return new UdpProbe(child, lines);
  }

  /** Sends to other addresses from now on; what happened before is forgotten. */
  async target(addresses: readonly string[]): Promise<void> {
    await this.#ask(`targets ${addresses.join()}`);
  }

  /** Milliseconds since the newest answered datagram was sent, per address. */
  async silence(): Promise<number[]> {
    return (await this.#ask('silence')) as number[];
  }

  /** What was lost since the last report (or the last targets), per address; waits for late answers. */
  async report(): Promise<UdpResult[]> {
    return (await this.#ask('report')) as UdpResult[];
  }

  /** Stops sending, waits for late answers, and tells what was lost, of the first address. */
  async stop(): Promise<UdpResult> {
    this.#child.stdin?.end();
    const [first] = (await this.#next()) as [UdpResult];
    return first;
  }

  async #ask(line: string): Promise<unknown> {
    this.#child.stdin?.write(`${line}\n`);
    return this.#next();
  }

  async #next(): Promise<unknown> {
    const { value } = (await this.#lines.next()) as { value: string };
    return JSON.parse(value);
  }
}
