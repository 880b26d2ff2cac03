import type { Announcement } from '@herald/crds';
import { type Informer, keyOf } from '@herald/kube';
import type { Logger } from '@herald/process';
import { checkNftables, deleteNftTable, RawSocketError, replaceNftTable } from 'raw-socket';
import { type Forwarded, rulesetOf, tableName } from './ruleset.ts';

export interface ForwarderOptions {
  node: string;
  /** `--node-forwarding`. */
  enabled: boolean;
  informer: Informer<Announcement>;
  /** The addresses of this node that Services may list: ExternalIPs and InternalIPs; undefined: not known yet. */
  addresses: () => readonly string[] | undefined;
  logger: Logger;
}

/** Changes of endpoints come in bursts; the table is replaced at most so often (ms). */
const PAUSE = 20;
/** A table that was refused is tried again after so long (ms). */
const RETRY = 10_000;

/**
 * Forwards for Services of node mode on this node where kube-proxy cannot. The rules live in the kernel: they serve on while this process
 * restarts or the API server is away, and go when no Service needs them any more or forwarding was turned off.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #problem: string | undefined;
  /** What is in force, as a text to compare; undefined: not known, because an earlier process left it. */
  #inForce: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#problem = options.enabled ? problemOf(checkNftables) : undefined;
    if (this.#problem !== undefined) options.logger.warn({ problem: this.#problem }, 'cannot forward for Services of node mode');
    options.informer.on(event => {
      if (event.type === 'updated' && event.object.metadata.generation === event.old.metadata.generation) return;
      if (
        event.type !== 'synced' &&
        event.object.spec.forward === undefined &&
        !(event.type === 'updated' && event.old.spec.forward !== undefined)
      )
        return;
      this.changed();
    });
  }

  /** For the status of the Speaker. */
  get state(): 'Ready' | 'Off' | 'NotPermitted' {
    if (!this.#options.enabled) return 'Off';
    return this.#problem === undefined ? 'Ready' : 'NotPermitted';
  }

  /** Announcements, or the addresses of the node, changed. */
  changed(): void {
    this.#after(PAUSE);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #after(ms: number): void {
    if (this.#stopped) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#apply();
    }, ms);
  }

  #apply(): void {
    const { informer, addresses, node, enabled, logger } = this.#options;
    const own = addresses();
    // Before everything is known the rules of the last process are better than none.
    if (!informer.hasSynced || own === undefined || this.#problem !== undefined) return;
    const services = enabled ? informer.list().flatMap(announcement => forwardedOf(announcement, node)) : [];
    const text = JSON.stringify([services, own]);
    if (text === this.#inForce) return;
    const problem = problemOf(() => {
      const table = rulesetOf(services, node, own);
      if (table !== null) replaceNftTable(table);
      else deleteNftTable(tableName);
    });
    if (problem === undefined) {
      this.#inForce = text;
      if (services.length > 0) logger.info({ services: services.length }, 'forwarding for Services of node mode');
      return;
    }
    // Without the permission there can be no table of ours to remove either.
    if (!enabled) {
      this.#inForce = text;
      return;
    }
    logger.error({ problem }, 'the nftables rules could not be replaced; the former ones stay in force');
    this.#after(RETRY);
  }
}

function forwardedOf(announcement: Announcement, node: string): Forwarded[] {
  const { forward } = announcement.spec;
  return forward?.nodes.includes(node) === true ? [{ key: keyOf(announcement), forward }] : [];
}

function problemOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof RawSocketError) return error.message;
    throw error;
  }
}
