import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PlaygroundError } from './errors.ts';
import type { Playground } from './playground.ts';

/** An address to keep connections to. */
export interface ConnectionTarget {
  /** What the report calls it, such as `ipv4`. */
  name: string;
  address: string;
  /** Of the Service, for TCP and for UDP. */
  port: number;
}

export interface ConnectionsOptions {
  /** Established TCP connections per target; 60 unless told. */
  tcp?: number;
  /** UDP flows per target; 20 unless told. */
  udp?: number;
  /** Milliseconds between two bytes, or datagrams, of each of them; 100 unless told. */
  interval?: number;
  /** Milliseconds between two new TCP connections to each target; 50 unless told, 0 for none. */
  fresh?: number;
  /** Silence that counts as broken, or failed, in ms; 5,000 unless told. */
  silence?: number;
  /** The host that asks; the LAN's client unless told. */
  host?: string;
}

/** Something that was lost, and when (ms since the epoch). */
export interface Loss {
  at: number;
  reason: string;
}

interface Lasting {
  open: number;
  broken: Loss[];
  /** From a question to its answer, at most. */
  longestGapMs: number;
}

/** What became of the connections to one target since the last report. */
export interface ConnectionsReport {
  name: string;
  tcp: Lasting;
  /** `lost`: datagrams without an answer. */
  udp: Lasting & { lost: number };
  /** Those that were opened and are answered or given up. */
  fresh: { opened: number; failed: Loss[]; answered: { at: number; ms: number }[] };
}

/** A client that keeps TCP connections and UDP flows open to addresses, opens new ones all the time, and tells which of them broke. */
export class Connections {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface(child.stdout as NonNullable<ChildProcess['stdout']>)[Symbol.asyncIterator]();
  }

  /** Resolves when all are established and were answered once. */
  static async start(playground: Playground, targets: readonly ConnectionTarget[], options: ConnectionsOptions = {}): Promise<Connections> {
    const script = fileURLToPath(new URL('./connections-client.mjs', import.meta.url));
    const { host = playground.topology.client.name, ...rest } = options;
    const words = JSON.stringify({ targets, tcp: 60, udp: 20, interval: 100, fresh: 50, silence: 5_000, ...rest });
    const child = playground.sandbox.spawn(host, [process.execPath, script, words], { stdio: ['pipe', 'pipe', 'inherit'] });
    const connections = new Connections(child);
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const first = await connections.#lines.next();
    clearTimeout(late);
    if (first.value !== 'ready')
      throw new PlaygroundError('ENOTREADY', `no connections to ${targets.map(({ address }) => address).join(', ')} within 20 s`);
    await connections.report();
    return connections;
  }

  /** What happened since the last report, per target. What is broken is opened again. */
  async report(): Promise<ConnectionsReport[]> {
    return JSON.parse(await this.#tell('report')) as ConnectionsReport[];
  }

  /** Ends all connections in good order, as clients do that have what they wanted. */
  async pause(): Promise<void> {
    await this.#tell('pause');
  }

  /** Opens them again. */
  async resume(): Promise<void> {
    await this.#tell('resume');
  }

  async #tell(word: 'report' | 'pause' | 'resume'): Promise<string> {
    this.#child.stdin?.write(`${word}\n`);
    const { value, done } = (await this.#lines.next()) as { value: string; done?: boolean };
    if (done === true) throw new PlaygroundError('ENOTREADY', 'the client of the connections has ended');
    return value;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise(resolve => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}
