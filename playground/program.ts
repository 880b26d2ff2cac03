import type { ChildProcess } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlaygroundError } from './errors.ts';

export interface ProgramOptions {
  /** What people call it, such as `speaker dn1`. */
  name: string;
  /** Everything that it prints goes here. */
  logFile: string;
  /** It is ready when a line of its standard output matches, or when this question is answered with yes. */
  ready: RegExp | (() => Promise<boolean>);
  /** Milliseconds until it must be ready; 30 s unless told. */
  timeout?: number;
}

/** Octets of what a program printed that are kept to be quoted. */
const QUOTABLE = 64 * 1024;
/** What a program said last is waited for this long (ms): children that outlive it keep its pipes open. */
const LAST_WORDS = 1_000;

/** A running program of the playground with its log. */
export class Program {
  readonly name: string;
  readonly logFile: string;
  readonly #child: ChildProcess;
  readonly #log: WriteStream;
  readonly #exited: Promise<number>;
  readonly #silent: Promise<void>;
  #printed = '';

  private constructor(child: ChildProcess, options: ProgramOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    this.#child = child;
    this.#log = createWriteStream(options.logFile, { flags: 'a' });
    this.#exited = new Promise(resolve => {
      child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
      child.once('error', () => resolve(127));
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => this.#print(chunk));
    // Not with its end: what it said last may arrive after that.
    this.#silent = new Promise<void>(resolve => {
      const end = () => this.#log.end(resolve);
      child.once('close', end);
      child.once('error', () => {
        if (child.pid === undefined) end();
      });
    });
  }

  /** Waits for the ready line; a program that ends or stays silent is an error that quotes the end of its log. */
  static async start(child: ChildProcess, options: ProgramOptions): Promise<Program> {
    const program = new Program(child, options);
    let timer: NodeJS.Timeout | undefined;
    const ready = options.ready instanceof RegExp ? program.#line(options.ready) : program.#until(options.ready);
    const late = new Promise<string>(resolve => {
      timer = setTimeout(() => resolve('not ready in time'), options.timeout ?? 30_000);
    });
    const failed = await Promise.race([ready.then(() => undefined), program.#exited.then(code => `ended with code ${code}`), late]);
    clearTimeout(timer);
    if (failed !== undefined) {
      program.signal('SIGKILL');
      await program.exited();
      throw new PlaygroundError('ENOTREADY', `${options.name}: ${failed}\n${program.tail(20)}`);
    }
    return program;
  }

  #print(chunk: Buffer): void {
    this.#log.write(chunk);
    this.#printed = (this.#printed + chunk.toString()).slice(-QUOTABLE);
  }

  #line(pattern: RegExp): Promise<void> {
    return new Promise(resolve => {
      let rest = '';
      const look = (chunk: Buffer): void => {
        rest += chunk.toString();
        if (rest.split('\n').some(text => pattern.test(text))) {
          this.#child.stdout?.off('data', look);
          resolve();
        }
        rest = rest.slice(rest.lastIndexOf('\n') + 1);
      };
      this.#child.stdout?.on('data', look);
    });
  }

  async #until(question: () => Promise<boolean>): Promise<void> {
    while (this.running && !(await question())) await sleep(200);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Process id on the host. */
  get pid(): number {
    return this.#child.pid as number;
  }

  signal(name: NodeJS.Signals): void {
    if (this.running) this.#child.kill(name);
  }

  /** SIGKILL: what a power cut does to it. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM, and SIGKILL where it does not end within `grace` ms. Resolves with the exit code. */
  async stop(grace = 15_000): Promise<number> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), grace);
    const code = await this.exited();
    clearTimeout(timer);
    return code;
  }

  /** Resolves with the exit code once it has ended, and what it said last has been heard. */
  async exited(): Promise<number> {
    const code = await this.#exited;
    const waiting = new AbortController();
    await Promise.race([this.#silent, sleep(LAST_WORDS, undefined, { signal: waiting.signal }).catch(() => undefined)]);
    waiting.abort();
    return code;
  }

  /** The last lines that it printed. */
  tail(lines: number): string {
    return this.#printed.trimEnd().split('\n').slice(-lines).join('\n');
  }
}
