import process from 'node:process';
import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker, workerData } from 'node:worker_threads';
import { RawSocketError } from './error.ts';
import { PollLoop, type PollLoopOptions } from './poll-loop.ts';
import { closeWakeFd, createWakeFd, wake } from './wake.ts';
import { startWorker } from './worker.ts';

interface Start {
  wakeFd: number;
  port: MessagePort;
  data: unknown;
}

type Envelope = { kind: 'message'; message: unknown } | { kind: 'stop' };

export interface LoopWorkerOptions {
  /** Handed to the worker, see {@link loopWorkerSide}. */
  data?: unknown;
  name?: string;
}

/** The starting thread's side of a worker that sits in a {@link PollLoop}. */
export class LoopWorker {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #wakeFd: number;
  readonly #exited: Promise<number>;
  // The worker sees `process.exit()` only between two steps of its loop: without this the process would wait for its next step.
  readonly #onProcessExit = (): void => this.#post({ kind: 'stop' });
  #error: Error | undefined;
  #running = true;

  private constructor(url: URL, options: LoopWorkerOptions) {
    this.#wakeFd = createWakeFd();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const start: Start = { wakeFd: this.#wakeFd, port: port2, data: options.data };
    this.#worker = startWorker(url, {
      workerData: start,
      transferList: [port2],
      ...(options.name !== undefined && { name: options.name }),
    });
    this.#worker.on('error', error => {
      this.#error = error instanceof Error ? error : new Error(String(error));
    });
    process.on('exit', this.#onProcessExit);
    this.#exited = new Promise(resolve => {
      this.#worker.once('exit', code => {
        this.#running = false;
        process.off('exit', this.#onProcessExit);
        // Its last words may still be under way.
        for (let last = receiveMessageOnPort(this.#port); last; last = receiveMessageOnPort(this.#port))
          this.#port.emit('message', last.message);
        this.#port.close();
        closeWakeFd(this.#wakeFd);
        resolve(code);
      });
    });
  }

  static start(url: URL, options: LoopWorkerOptions = {}): LoopWorker {
    return new LoopWorker(url, options);
  }

  /** The worker takes it between two steps of its loop. Lost when the worker has ended. */
  post(message: unknown): void {
    this.#post({ kind: 'message', message });
  }

  onMessage(callback: (message: unknown) => void): void {
    this.#port.on('message', callback);
  }

  /** Called once, also when the worker has ended already. `error` is what it died of. */
  onExit(callback: (code: number, error: Error | undefined) => void): void {
    void this.#exited.then(code => callback(code, this.#error));
  }

  /** A worker that is not referenced does not keep the process alive. */
  unref(): void {
    this.#worker.unref();
    this.#port.unref();
  }

  /** Asks the loop to end and resolves to the worker's exit code; after `timeout` ms the worker is terminated. */
  async stop(timeout = 2000): Promise<number> {
    this.#post({ kind: 'stop' });
    const timer = setTimeout(() => void this.#worker.terminate(), timeout);
    try {
      return await this.#exited;
    } finally {
      clearTimeout(timer);
    }
  }

  #post(envelope: Envelope): void {
    if (!this.#running) return;
    this.#port.postMessage(envelope, []);
    wake(this.#wakeFd);
  }
}

/** The worker's side: its loop, what it was started with, and the way back. */
export interface LoopSide<Data> {
  readonly loop: PollLoop;
  readonly data: Data;
  post(message: unknown): void;
  onMessage(callback: (message: unknown) => void): void;
  /** Called once before the loop ends because the starter asked for it: close sockets, say goodbye. */
  onStop(callback: () => void): void;
  /** The last statement of the worker's file; returns when the loop was stopped. */
  run(): void;
}

/** For the file that {@link LoopWorker.start} runs. */
export function loopWorkerSide<Data>(options: Omit<PollLoopOptions, 'wakeFd'> = {}): LoopSide<Data> {
  const start = workerData as Start | undefined;
  if (start?.wakeFd === undefined)
    throw new RawSocketError('InvalidArgument', 'loopWorkerSide works only in a worker started by LoopWorker.start');
  const loop = new PollLoop({ ...options, wakeFd: start.wakeFd });
  const receivers: ((message: unknown) => void)[] = [];
  const stoppers: (() => void)[] = [];
  loop.onWake(() => {
    // The thread does not return to its event loop, so message events do not happen: messages are taken by hand.
    for (let next = receiveMessageOnPort(start.port); next; next = receiveMessageOnPort(start.port)) {
      const envelope = next.message as Envelope;
      if (envelope.kind === 'stop') {
        loop.stop();
        for (const stop of stoppers.splice(0)) stop();
      } else {
        for (const receive of receivers) receive(envelope.message);
      }
    }
  });
  return {
    loop,
    data: start.data as Data,
    post: message => start.port.postMessage(message, []),
    onMessage: callback => receivers.push(callback),
    onStop: callback => stoppers.push(callback),
    run() {
      // What was posted while this file was loading has used up its wake or has it pending; either way look once.
      loop.wake();
      loop.run();
      loop.close();
      start.port.close();
    },
  };
}
