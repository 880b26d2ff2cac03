import { ApiError, type Client, isApiError, type Requeue, sleep, WorkQueue } from '@herald/kube';
import type { Logger, QueueMetrics } from '@herald/process';

/** So many Services waiting for their status to be written hold up the Announcements. */
const crowd = 100;
const workers = { services: 32, announcements: 16, configuration: 4 };

/** Writes what a key stands for, and may ask to be called again; its calls end with `signal`. */
export type Write = (key: string, signal: AbortSignal) => Promise<Requeue | void>;

interface Surroundings {
  client: Client;
  logger: Logger;
  queueMetrics: (name: string) => QueueMetrics;
}

/** What waits to be written, by kind, so that none waits for another; Announcements alone let a crowd of Services pass first. */
export class Queues {
  /** Status of Services. */
  readonly services: WorkQueue;
  /** Announcements, by the key of their Service. */
  readonly announcements: WorkQueue;
  /** Status of configuration objects, and reservations to be made. */
  readonly configuration: WorkQueue;
  readonly #client: Client;
  readonly #logger: Logger;

  constructor({ client, logger, queueMetrics }: Surroundings) {
    this.#client = client;
    this.#logger = logger;
    const queue = (name: string) =>
      new WorkQueue({
        name,
        clock: client.clock,
        random: client.random,
        baseDelayMs: 50,
        maxDelayMs: 15_000,
        qps: 200,
        burst: 1000,
        observer: queueMetrics(name),
        onError: (key, error, attempt) => this.#failed(name, key, error, attempt),
      });
    this.services = queue('services');
    this.announcements = queue('announcements');
    this.configuration = queue('configuration');
  }

  /** All that is written for Services. */
  add(keys: Iterable<string>): void {
    for (const key of keys) {
      this.services.add(key);
      this.announcements.add(key);
    }
  }

  /**
   * Works until `signal` aborts.
   * @param calls ends the calls in flight
   */
  async run(write: Record<keyof typeof workers, Write>, signal: AbortSignal, calls: AbortSignal): Promise<void> {
    const announce = async (key: string) => {
      await this.#crowdGone(calls);
      return write.announcements(key, calls);
    };
    await Promise.all([
      this.services.run(key => write.services(key, calls), { workers: workers.services, signal }),
      this.announcements.run(announce, { workers: workers.announcements, signal }),
      this.configuration.run(key => write.configuration(key, calls), { workers: workers.configuration, signal }),
    ]);
  }

  /** Where thousands wait for their address, the addresses come first. */
  async #crowdGone(signal: AbortSignal): Promise<void> {
    while (this.services.length > crowd && !signal.aborted) await sleep(this.#client.clock, 50, signal);
  }

  #failed(queue: string, key: string, error: unknown, attempt: number): void {
    if (queue === 'services' && isApiError(error, 'conflict')) return;
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof ApiError)) this.#logger.error({ err: error, queue, key, attempt }, message);
    else this.#logger[attempt === 1 || attempt % 10 === 0 ? 'warn' : 'debug']({ queue, key, attempt, code: error.code }, message);
  }
}
