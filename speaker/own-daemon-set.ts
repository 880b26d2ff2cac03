import { Backoff, type Client, isApiError, type Ref, sleep } from '@herald/kube';
import type { Logger } from '@herald/process';
import { daemonSets } from './resources.ts';

/** The API server is asked for so long at the end of the process (ms). */
const PATIENCE = 1_000;

/**
 * The DaemonSet that runs this speaker. It tells an end that is followed by a new start from an uninstallation, after which nobody comes back to
 * what is held and pinned.
 */
export class OwnDaemonSet {
  readonly #client: Client;
  readonly #ref: Ref;
  readonly #logger: Logger;
  /** It was there once, and could be read. Before that, a refusal says nothing. */
  #seen = false;

  constructor(client: Client, ref: Ref, logger: Logger) {
    this.#client = client;
    this.#ref = ref;
    this.#logger = logger;
  }

  /** Asks until it was seen. */
  async find(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#client.random, { baseMs: 1_000, maxMs: 60_000 });
    let told = false;
    while (!signal.aborted) {
      try {
        await this.#client.get(daemonSets, this.#ref, { signal, timeoutMs: 5_000 });
        this.#seen = true;
        return;
      } catch (error) {
        if (!told && !signal.aborted)
          this.#logger.warn({ error: String(error) }, 'cannot read the own DaemonSet: an uninstallation will look like a restart');
        told = true;
      }
      await sleep(this.#client.clock, backoff.next(), signal);
    }
  }

  /** Whether it was deleted, or is being deleted. False where nothing is known for certain. */
  async isDeleted(): Promise<boolean> {
    if (!this.#seen) return false;
    const done = new AbortController();
    const asked = this.#ask(done.signal);
    const answer = await Promise.race([asked, sleep(this.#client.clock, PATIENCE, done.signal).then(() => false)]);
    done.abort();
    return answer;
  }

  async #ask(signal: AbortSignal): Promise<boolean> {
    try {
      const { metadata } = await this.#client.get(daemonSets, this.#ref, { signal, timeoutMs: PATIENCE });
      return metadata.deletionTimestamp !== undefined;
    } catch (error) {
      // An uninstallation takes the permission, or the account, away as well, before the pods are told to end.
      return isApiError(error, 'not-found') || isApiError(error, 'forbidden') || isApiError(error, 'unauthorized');
    }
  }
}
