import { LoopWorker } from 'raw-socket';
import type { WireCommand, WireEvent, WireOptions } from './messages.ts';

/** The main thread's side of the wire thread. */
export class WireThread {
  readonly #worker: LoopWorker;
  readonly #onEvent: (event: WireEvent) => void;
  #left: (() => void) | undefined;

  constructor(options: WireOptions, onEvent: (event: WireEvent) => void) {
    this.#onEvent = onEvent;
    this.#worker = LoopWorker.start(new URL('./worker.ts', import.meta.url), { data: options, name: 'wire' });
    this.#worker.onMessage(message => {
      const event = message as WireEvent;
      if (event.kind === 'left') this.#left?.();
      this.#onEvent(event);
    });
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
