import type { Config } from '@herald/crds';
import { type Address, formatAddress } from '@herald/ip';
import type { Clock, Timer } from '@herald/kube';
import { Allocator, buildRequest, externalIPsOf, isOurs, type Outcome, type ServiceClasses } from './allocator/index.ts';
import type { Caches } from './caches.ts';
import type { Service } from './service-status.ts';
import { claimsOf } from './service-view.ts';

export interface AssignerOptions {
  caches: Caches;
  clock: Clock;
  classes: ServiceClasses;
  /** The Service as it is, as far as this process knows: the cache, or what our own last write returned. */
  latest: (key: string) => Service | undefined;
  /** Called after each settling with the keys to look at: those told of, and those whose answer changed. */
  onSettled: (touched: ReadonlySet<string>, outcomes: readonly Outcome[]) => void;
}

/**
 * The allocator with its surroundings: collects what the caches tell and settles it in one go, at the end of the turn, so that a burst
 * of a thousand changes costs one pass. Nothing is settled before `begin`: by then every held address has been told of.
 */
export class Assigner {
  readonly allocator = new Allocator();
  readonly #options: AssignerOptions;
  readonly #touched = new Set<string>();
  #begun = false;
  #scheduled: NodeJS.Immediate | undefined;
  #deadline: Timer | undefined;

  constructor(options: AssignerOptions) {
    this.#options = options;
  }

  isOurs(service: Service): boolean {
    return isOurs(service, this.#options.classes);
  }

  /** Tells the allocator of a Service as it is now. */
  service(key: string): void {
    const { caches, latest } = this.#options;
    const service = latest(key);
    this.allocator.setExternalIPs(key, service === undefined ? [] : externalIPsOf(service));
    if (service !== undefined && this.isOurs(service))
      this.allocator.observe(buildRequest(service).request, claimsOf(service, caches.announcements.get(key)));
    else this.allocator.remove(key);
    this.#touched.add(key);
    this.#schedule();
  }

  namespace(name: string): void {
    const namespace = this.#options.caches.namespaces.get(name);
    this.allocator.setNamespace(name, namespace === undefined ? undefined : (namespace.metadata.labels ?? {}));
    this.#schedule();
  }

  /** A stranger was found on an address: it is shunned until then (ms since the epoch), and who holds it gets another one. */
  shun(address: Address, until: number, stranger: string): void {
    this.allocator.reportConflict(address, until, stranger);
    this.#schedule();
  }

  configure(config: Config): void {
    this.allocator.configure(config);
    this.#schedule();
  }

  /** Every cache is complete and has been told: from now on settle. */
  begin(): void {
    this.#begun = true;
    this.#settle();
  }

  stop(): void {
    this.#begun = false;
    clearImmediate(this.#scheduled);
    this.#deadline?.cancel();
  }

  /** Addresses of the current answer, as text. */
  addresses(key: string): string[] {
    return this.allocator.outcome(key)?.addresses.map(({ address }) => formatAddress(address)) ?? [];
  }

  #schedule(): void {
    if (!this.#begun || this.#scheduled !== undefined) return;
    this.#scheduled = setImmediate(() => this.#settle());
  }

  #settle(): void {
    this.#scheduled = undefined;
    if (!this.#begun) return;
    const { clock, onSettled } = this.#options;
    const touched = new Set(this.#touched);
    this.#touched.clear();
    const outcomes = this.allocator.settle(clock.wall());
    onSettled(touched, outcomes);
    this.#deadline?.cancel();
    const due = this.allocator.nextDeadline;
    this.#deadline = due === undefined ? undefined : clock.after(Math.max(1, due - clock.wall()), () => this.#schedule());
  }
}
