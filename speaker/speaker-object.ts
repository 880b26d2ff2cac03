import { apiVersion, type Condition, type SpeakerConflict, type SpeakerStatus } from '@herald/crds';
import { type Client, isApiError, setCondition, sleep, time } from '@herald/kube';
import type { Logger } from '@herald/process';
import { speakers } from './resources.ts';
import { gatewaysLearn, peersHeard } from './segment-conditions.ts';
import { type SpeakerView, sameStatus, statusOf } from './speaker-status.ts';

/** Changes are looked for so often (ms), and at least so often something is written while the API refused (ms). */
const INTERVAL = 1_000;
const RETRY = 10_000;

/** Keeps the Speaker object of this node current: created when missing, its status written when it says something new. */
export class SpeakerObject {
  readonly #client: Client;
  readonly #node: string;
  readonly #logger: Logger;
  readonly #view: () => SpeakerView;
  #written: SpeakerStatus | undefined;
  #conditions: Condition[] = [];
  #exists = false;

  constructor(client: Client, node: string, logger: Logger, view: () => SpeakerView) {
    this.#client = client;
    this.#node = node;
    this.#logger = logger;
    this.#view = view;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let pause = INTERVAL;
      try {
        await this.write(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#exists = false;
        pause = RETRY;
        this.#logger.warn({ error: String(error) }, 'could not write the status of the Speaker');
      }
      await sleep(this.#client.clock, pause, signal);
    }
  }

  /** One write, if there is something to say. */
  async write(signal?: AbortSignal): Promise<void> {
    const view = this.#view();
    const now = time(this.#client.clock.wall());
    const ready = {
      type: 'Ready',
      status: view.problem === undefined ? 'True' : 'False',
      reason: view.problem === undefined ? 'Running' : 'NotReady',
      message: view.problem ?? 'the speaker works',
    };
    const conflict = {
      type: 'AddressConflict',
      status: view.conflicts.length > 0 ? 'True' : 'False',
      reason: view.conflicts.length > 0 ? 'AddressConflict' : 'NoConflict',
      message: view.conflicts.length > 0 ? sentences(view.conflicts) : 'no other host uses an address of this node',
    };
    for (const condition of [ready, conflict, peersHeard(view), gatewaysLearn(view)])
      this.#conditions = setCondition(this.#conditions, condition, now).conditions as Condition[];
    const status: SpeakerStatus = { ...statusOf(view), conditions: this.#conditions };
    if (this.#written !== undefined && sameStatus(this.#written, status)) return;
    await this.#ensure(signal);
    try {
      await this.#apply(status, signal);
    } catch (error) {
      // Deleted by somebody: made again at once.
      if (!isApiError(error, 'not-found')) throw error;
      this.#exists = false;
      await this.#ensure(signal);
      await this.#apply(status, signal);
    }
    this.#written = status;
  }

  async #apply(status: SpeakerStatus, signal: AbortSignal | undefined): Promise<void> {
    const object = { apiVersion, kind: 'Speaker' as const, metadata: { name: this.#node }, status };
    await this.#client.apply(speakers, object, {
      subresource: 'status',
      fieldManager: `herald-speaker-${this.#node}`,
      force: true,
      signal,
    });
  }

  async #ensure(signal: AbortSignal | undefined): Promise<void> {
    if (this.#exists) return;
    try {
      await this.#client.create(speakers, { apiVersion, kind: 'Speaker', metadata: { name: this.#node } }, { signal });
    } catch (error) {
      if (!isApiError(error, 'already-exists')) throw error;
    }
    this.#exists = true;
  }
}

function sentences(conflicts: readonly SpeakerConflict[]): string {
  const shown = conflicts.slice(0, 20).map(({ ip, mac, interface: name }) => `${ip} is used by ${mac} on ${name}`);
  return shown.join('; ') + (conflicts.length > shown.length ? `; and ${conflicts.length - shown.length} more` : '');
}
