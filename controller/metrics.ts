import { Counter, Gauge, Histogram, type Registry } from '@herald/process';

/** Addresses of one family of one pool. */
export interface PoolUse {
  pool: string;
  family: 4 | 6;
  /** Addresses that could ever be given out. */
  capacity: bigint;
  assigned: bigint;
  available: bigint;
}

/** The controller's own figures. */
export class ControllerMetrics {
  readonly #capacity: Gauge;
  readonly #inUse: Gauge;
  readonly #available: Gauge;
  readonly #requests: Counter;
  readonly #services: Gauge;
  readonly #written: Histogram;
  readonly #leader: Gauge;
  readonly #addressChanges: Counter;
  readonly #conflicts: Counter;
  readonly #eventsDropped: Counter;
  readonly #announced: Gauge;
  readonly #rejected: Gauge;
  /** Service → the reason it is counted under. */
  readonly #reasons = new Map<string, string>();

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = ['pool', 'family'];
    this.#capacity = new Gauge({
      name: 'herald_pool_addresses_total',
      help: 'Addresses of a pool that can be given out, used or not.',
      labelNames,
      registers,
    });
    this.#inUse = new Gauge({
      name: 'herald_pool_addresses_in_use',
      help: 'Addresses of a pool that Services hold.',
      labelNames,
      registers,
    });
    this.#available = new Gauge({
      name: 'herald_pool_addresses_available',
      help: 'Addresses of a pool that could be given out now.',
      labelNames,
      registers,
    });
    this.#requests = new Counter({
      name: 'herald_allocation_requests_total',
      help: 'Answers given to Services, by outcome (allocated, pending) and reason; an answer that did not change is not counted.',
      labelNames: ['outcome', 'reason'],
      registers,
    });
    this.#services = new Gauge({
      name: 'herald_services',
      help: 'Services of type LoadBalancer of our class, by outcome.',
      labelNames: ['outcome'],
      registers,
    });
    this.#written = new Histogram({
      name: 'herald_service_status_seconds',
      help: 'Time from seeing a change of a Service to having written its status.',
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    });
    this.#leader = new Gauge({ name: 'herald_leader', help: '1 while this replica leads.', registers });
    this.#addressChanges = new Counter({
      name: 'herald_address_changes_total',
      help: 'Addresses gained, lost and changed by Services, by the reason of the event.',
      labelNames: ['event'],
      registers,
    });
    this.#conflicts = new Counter({
      name: 'herald_address_conflicts_total',
      help: 'Other machines found on addresses of Services, by when: probe (before the first use) or announcing.',
      labelNames: ['phase'],
      registers,
    });
    for (const phase of ['probe', 'announcing']) this.#conflicts.inc({ phase }, 0);
    this.#announced = new Gauge({
      name: 'herald_services_announced',
      help: 'Services by the reason of their condition heraldlb.io/Announced.',
      labelNames: ['reason'],
      registers,
    });
    this.#rejected = new Gauge({
      name: 'herald_config_rejected',
      help: 'Objects of the configuration whose newest version is not valid; an older one may be in force.',
      labelNames: ['kind'],
      registers,
    });
    this.#eventsDropped = new Counter({ name: 'herald_events_dropped_total', help: 'Events that could not be written.', registers });
  }

  /** Replaces the figures of all pools: one that is gone disappears. */
  pools(uses: readonly PoolUse[]): void {
    for (const gauge of [this.#capacity, this.#inUse, this.#available]) gauge.reset();
    for (const { pool, family, capacity, assigned, available } of uses) {
      const labels = { pool, family: `IPv${family}` };
      // Beyond 2^53 a gauge is an estimate; the pool's status has the exact number.
      this.#capacity.set(labels, Number(capacity));
      this.#inUse.set(labels, Number(assigned));
      this.#available.set(labels, Number(available));
    }
  }

  answered(satisfied: boolean, reason: string): void {
    this.#requests.inc({ outcome: outcome(satisfied), reason });
  }

  services(allocated: number, pending: number): void {
    this.#services.set({ outcome: 'allocated' }, allocated);
    this.#services.set({ outcome: 'pending' }, pending);
  }

  statusWritten(ms: number): void {
    this.#written.observe(ms / 1000);
  }

  /** Who does not lead knows nothing of the cluster: its figures would be added to those of the leader. */
  leading(leads: boolean): void {
    this.#leader.set(leads ? 1 : 0);
    if (leads) return;
    this.#reasons.clear();
    for (const gauge of [this.#capacity, this.#inUse, this.#available, this.#services, this.#announced, this.#rejected]) gauge.reset();
  }

  /** @param reason of the condition `heraldlb.io/Announced`; undefined for a Service that is gone or not ours any more */
  announced(service: string, reason: string | undefined): void {
    const before = this.#reasons.get(service);
    if (before === reason) return;
    if (before !== undefined) this.#announced.dec({ reason: before });
    if (reason === undefined) this.#reasons.delete(service);
    else {
      this.#announced.inc({ reason });
      this.#reasons.set(service, reason);
    }
  }

  /** Replaces the numbers of rejected objects, by kind. */
  rejected(kinds: Iterable<string>): void {
    this.#rejected.reset();
    for (const kind of kinds) this.#rejected.inc({ kind });
  }

  addressChanged(event: string): void {
    this.#addressChanges.inc({ event });
  }

  conflictFound(phase: 'Probe' | 'Announcing'): void {
    this.#conflicts.inc({ phase: phase.toLowerCase() });
  }

  eventDropped(): void {
    this.#eventsDropped.inc();
  }
}

function outcome(satisfied: boolean): string {
  return satisfied ? 'allocated' : 'pending';
}
