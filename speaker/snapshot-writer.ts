import type { Clock } from '@herald/kube';
import type { Logger } from '@herald/process';
import { type Snapshot, saveSnapshot } from './snapshot.ts';

/** Changes within this time are written together (ms). */
const SETTLE = 1_000;

/** Writes the snapshot a moment after something changed, one write at a time. */
export class SnapshotWriter {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #snapshot: () => Snapshot | undefined;
  #timer: { cancel(): void } | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** A write waits for the one before it. */
  #isQueued = false;
  #problem: string | undefined;

  constructor(directory: string, clock: Clock, logger: Logger, snapshot: () => Snapshot | undefined) {
    this.#directory = directory;
    this.#clock = clock;
    this.#logger = logger;
    this.#snapshot = snapshot;
  }

  changed(): void {
    this.#timer ??= this.#clock.after(SETTLE, () => {
      this.#timer = undefined;
      this.#write();
    });
  }

  /** Writes what waits and resolves when it is on disk. */
  async stop(): Promise<void> {
    if (this.#timer !== undefined) {
      this.#timer.cancel();
      this.#timer = undefined;
      this.#write();
    }
    await this.#writing;
  }

  #write(): void {
    // A disk that hangs shall not pile them up: what is written is what is known when it is its turn.
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#writing = this.#writing.then(async () => {
      this.#isQueued = false;
      const snapshot = this.#snapshot();
      if (snapshot === undefined) return;
      try {
        await saveSnapshot(this.#directory, snapshot);
        if (this.#problem !== undefined) this.#logger.info({ directory: this.#directory }, 'the snapshot can be written again');
        this.#problem = undefined;
      } catch (error) {
        this.#tell(String(error));
      }
    });
  }

  /** Once: with every change it would be tried, and told, again. */
  #tell(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#logger.warn(
      { directory: this.#directory, error: problem },
      'cannot write the snapshot: a start without the API server will have to wait for it',
    );
  }
}
