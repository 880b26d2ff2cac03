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

/** A client that sends a datagram to an address every millisecond, each of which an echo behind the Service answers. */
export class UdpProbe {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  static async start(playground: Playground, address: string, port: number, options: UdpProbeOptions = {}): Promise<UdpProbe> {
    const script = fileURLToPath(new URL('./udp-client.mjs', import.meta.url));
    const words = [process.execPath, script, address, String(port), String(options.interval ?? 1)];
    const child = playground.sandbox.spawn(options.host ?? playground.topology.client.name, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(child.stdout as NonNullable<ChildProcess['stdout']>)[Symbol.asyncIterator]();
    await lines.next();
    return new UdpProbe(child, lines);
  }

  /** Stops sending, waits for late answers, and tells what was lost. */
  async stop(): Promise<UdpResult> {
    this.#child.stdin?.end();
    const { value } = (await this.#lines.next()) as { value: string };
    return JSON.parse(value) as UdpResult;
  }
}
