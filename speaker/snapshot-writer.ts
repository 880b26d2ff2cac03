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
    const snapshot = this.#snapshot();
    if (snapshot === undefined) return;
    this.#writing = this.#writing.then(async () => {
      try {
        await saveSnapshot(this.#directory, snapshot);
      } catch (error) {
        this.#logger.warn(
          { error: String(error) },
          `cannot write the snapshot into ${this.#directory}: a start without the API server will have to wait for it`,
        );
      }
    });
  }
}
