import { LoopWorker } from 'raw-socket';
import type { BfdStatus } from '../status.ts';
import type { BfdRequest } from './bfd-worker.ts';
import type { BfdProblemListener, BfdService, BfdSessionSpec } from './spec.ts';

/** From the thread. */
type BfdReport =
  | { readonly kind: 'status'; readonly id: string; readonly status: BfdStatus }
  | { readonly kind: 'problem'; readonly id: string; readonly text: string };

/** BFD sessions in a thread that does nothing else: they stay up while the main thread is busy. Started with the first session. */
export class BfdThread implements BfdService {
  readonly #problem: BfdProblemListener;
  readonly #listeners = new Map<string, (status: BfdStatus) => void>();
  #worker: LoopWorker | undefined;
  #closed = false;

  constructor(problem: BfdProblemListener) {
    this.#problem = problem;
  }

  set(spec: BfdSessionSpec, listener: (status: BfdStatus) => void): void {
    if (this.#closed) return;
    this.#listeners.set(spec.id, listener);
    this.#post({ kind: 'set', spec });
  }

  remove(id: string): void {
    if (!this.#listeners.delete(id)) return;
    this.#post({ kind: 'remove', id });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    await this.#worker?.stop();
    this.#worker = undefined;
  }

  #post(request: BfdRequest): void {
    this.#worker ??= this.#start();
    this.#worker.post(request);
  }

  #start(): LoopWorker {
    const worker = LoopWorker.start(new URL('bfd-worker.ts', import.meta.url), { name: 'bfd' });
    worker.onMessage(message => {
      const report = message as BfdReport;
      if (report.kind === 'status') this.#listeners.get(report.id)?.(report.status);
      else this.#problem(report.id, report.text);
    });
    worker.onExit((code, error) => {
      if (!this.#closed) this.#problem('', `the BFD thread has ended with code ${code}${error ? `: ${error.message}` : ''}`);
    });
    return worker;
  }
}
