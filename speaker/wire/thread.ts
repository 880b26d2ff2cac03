import { LoopWorker } from 'raw-socket';
import type { WireBegin, WireCommand, WireEvent, WireOptions } from './messages.ts';

/** The main thread's side of the wire thread. Its file loads on another core from the moment it is made, whatever it is to do. */
export class WireThread {
  readonly #worker: LoopWorker;
  #onEvent: (event: WireEvent) => void = () => undefined;
  #left: (() => void) | undefined;

  constructor() {
    this.#worker = LoopWorker.start(new URL('./worker.ts', import.meta.url), { name: 'wire' });
    this.#worker.onMessage(message => {
      const event = message as WireEvent;
      if (event.kind === 'left') this.#left?.();
      this.#onEvent(event);
    });
  }

  /** Opens sockets and listens for the others. Called once, before any command. */
  begin(options: WireOptions, onEvent: (event: WireEvent) => void): void {
    this.#onEvent = onEvent;
    this.#worker.post({ kind: 'begin', options } satisfies WireBegin);
  }

  command(command: WireCommand): void {
    this.#worker.post(command);
  }

  /** Resolves with what the thread died of, once it has ended. */
  get ended(): Promise<Error | undefined> {
    return new Promise(resolve => this.#worker.onExit((_, error) => resolve(error)));
  }

  /** Says goodbye, after handing over or (`restart`) to be back soon; resolves when that is done, or the thread has ended. */
  async leave(deadline: number, restart = false): Promise<void> {
    const left = new Promise<void>(resolve => {
      this.#left = resolve;
    });
    this.command({ kind: 'leave', deadline, restart });
    await Promise.race([left, this.ended]);
  }

  async stop(): Promise<void> {
    await this.#worker.stop();
  }
}
