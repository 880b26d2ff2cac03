import type { UserInfo } from '../access/user.ts';
import type { StrategyContext } from '../strategies/strategy.ts';

/** The options of a write, from its query or body. */
export interface Write {
  dryRun: boolean;
  fieldManager: string;
  user: UserInfo;
  warn: (text: string) => void;
}

/** A write in progress: what its strategy is given, and the way to take back what it allocated. */
export class WriteScope implements StrategyContext {
  readonly now: string;
  readonly dryRun: boolean;
  readonly warn: (text: string) => void;
  readonly user: UserInfo;
  readonly #undo: (() => void)[] = [];

  constructor(write: Write, now: string) {
    this.now = now;
    this.dryRun = write.dryRun;
    this.warn = write.warn;
    this.user = write.user;
  }

  readonly onAbort = (undo: () => void): void => {
    this.#undo.push(undo);
  };

  /** Runs `work`; when it fails, or was only a dry run, everything allocated is given back. */
  run<T>(work: () => T): T {
    try {
      const result = work();
      if (this.dryRun) this.#abort();
      return result;
    } catch (error) {
      this.#abort();
      throw error;
    }
  }

  #abort(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo.length = 0;
  }
}
