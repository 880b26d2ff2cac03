import { setMaxListeners } from 'node:events';
import type { V1Lease } from '@kubernetes/client-node';
import { isApiError } from './api-error.ts';
import type { Client } from './client.ts';
import { microTime, sleep } from './clock.ts';
import { leases } from './resource.ts';
import type { Wire } from './wire.ts';

export interface LeaderElectorOptions {
  namespace: string;
  /** Name of the Lease. */
  name: string;
  /** Unique per process: a pod's name, or host name and a random part. */
  identity: string;
  /** How long others leave an unrenewed lease alone; default 15 s. */
  leaseDurationMs?: number | undefined;
  /** A leader that could not renew for so long stops leading; less than leaseDurationMs. Default 10 s. */
  renewDeadlineMs?: number | undefined;
  /** Between attempts; default 2 s. */
  retryPeriodMs?: number | undefined;
  /** Told whenever somebody else or we become the holder. */
  onLeader?: ((identity: string) => void) | undefined;
  /**
   * Asked about a holder that has missed two renewals: whether there is proof that it is gone. Its lease is then taken before it has run out. A
   * holder that cannot renew cannot write either, so what is lost by a wrong answer is little; a guess is not good enough all the same.
   */
  isDead?: ((identity: string, signal: AbortSignal) => Promise<boolean>) | undefined;
  /** A failed attempt; tried again by itself. */
  onError?: ((error: unknown) => void) | undefined;
}

type Lease = Wire<V1Lease>;

/** Reason of the signal given to `lead` when the lease was lost; any other reason means that we were asked to stop and still hold it. */
export const leaseLost = 'lease lost';

/**
 * Leader election on a coordination.k8s.io Lease. Whether another's lease has run out is judged by how long *we* saw it unchanged,
 * never by comparing its renewTime with our clock: clocks of nodes differ. Every write carries the resourceVersion that was read.
 */
export class LeaderElector {
  readonly #client: Client;
  readonly #options: LeaderElectorOptions;
  readonly #duration: number;
  readonly #deadline: number;
  readonly #retry: number;
  #observed: { lease: Lease; at: number; record: string } | undefined;
  #leader = '';
  #leading = false;
  #renewed = 0;

  constructor(client: Client, options: LeaderElectorOptions) {
    this.#client = client;
    this.#options = options;
    this.#duration = options.leaseDurationMs ?? 15_000;
    this.#deadline = options.renewDeadlineMs ?? 10_000;
    this.#retry = options.retryPeriodMs ?? 2_000;
    if (!(this.#retry < this.#deadline && this.#deadline < this.#duration)) {
      throw new RangeError(
        `leader election needs retryPeriodMs < renewDeadlineMs < leaseDurationMs, not ${this.#retry}, ${this.#deadline}, ${this.#duration}`,
      );
    }
  }

  get isLeader(): boolean {
    return this.#leading;
  }

  /**
   * Leading, and the lease was renewed recently enough that nobody else can lead. A write that must not collide asks here first: a process
   * that stood still for a while wakes up with `isLeader` true for an instant.
   */
  get holds(): boolean {
    return this.#leading && this.#client.clock.now() - this.#renewed < this.#deadline;
  }

  /** Who holds the lease, as far as we know. */
  get leader(): string {
    return this.#leader;
  }

  /**
   * Waits for leadership, runs `lead`, and keeps the lease renewed meanwhile. `lost` aborts when the lease could not be renewed in time
   * or `signal` aborted; `lead` must then return. Resolves when `lead` returned (the lease is released) or when `signal` aborts first.
   */
  async run(lead: (lost: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    if (!(await this.#acquire(signal))) return;
    this.#leading = true;
    this.#renewed = this.#client.clock.now();
    const lost = new AbortController();
    setMaxListeners(0, lost.signal);
    const stop = () => lost.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const finished = new AbortController();
    const renewing = this.#renew(lost, AbortSignal.any([finished.signal, lost.signal]));
    try {
      await lead(lost.signal);
    } finally {
      this.#leading = false;
      finished.abort();
      signal.removeEventListener('abort', stop);
      await renewing;
      await this.#release();
    }
  }

  async #acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await this.#attempt(signal)) return true;
      await sleep(this.#client.clock, this.#retry * (1 + 0.2 * this.#client.random()), signal);
    }
    return false;
  }

  async #renew(lost: AbortController, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await sleep(this.#client.clock, this.#retry, stop);
      if (stop.aborted) return;
      // A request that hangs must not outlive the deadline: others may already be leading then.
      const left = this.#deadline - (this.#client.clock.now() - this.#renewed);
      if (left > 0 && (await this.#attempt(stop, Math.min(left, this.#retry * 2)))) this.#renewed = this.#client.clock.now();
      if (stop.aborted) return;
      const usurped = this.#leader !== this.#options.identity;
      if (usurped || this.#client.clock.now() - this.#renewed >= this.#deadline) {
        lost.abort(leaseLost);
        return;
      }
    }
  }

  /** One round: read, and write when the lease is ours or free. True when we hold it now. */
  async #attempt(signal: AbortSignal, timeoutMs: number = this.#retry * 2): Promise<boolean> {
    const { namespace, name, identity } = this.#options;
    const { clock } = this.#client;
    const call = { signal, timeoutMs };
    try {
      const found = await this.#client.find(leases, { namespace, name }, call);
      if (found === undefined) {
        const created = await this.#client.create<Lease>(leases, { metadata: { namespace, name }, spec: this.#spec(undefined, 0) }, call);
        this.#observe(created);
        return true;
      }
      this.#observe(found);
      const holder = found.spec?.holderIdentity ?? '';
      const mine = holder === identity;
      const heldMs = Math.max((found.spec?.leaseDurationSeconds ?? 0) * 1000, this.#duration);
      const unrenewedMs = clock.now() - (this.#observed?.at ?? 0);
      if (!mine && holder !== '' && unrenewedMs < heldMs && !(await this.#isDead(holder, unrenewedMs, signal))) return false;
      const transitions = (found.spec?.leaseTransitions ?? 0) + (mine ? 0 : 1);
      const acquired = mine ? found.spec?.acquireTime : undefined;
      const spec = { ...found.spec, ...this.#spec(acquired, transitions) };
      this.#observe(await this.#client.replace<Lease>(leases, { ...found, spec }, call));
      return true;
    } catch (error) {
      // A conflict is somebody else being quicker: the next round sees who.
      if (!isApiError(error, 'aborted', 'conflict', 'already-exists')) this.#options.onError?.(error);
      return false;
    }
  }

  async #isDead(holder: string, unrenewedMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#options.isDead === undefined || unrenewedMs < 2.5 * this.#retry) return false;
    return this.#options.isDead(holder, signal);
  }

  #spec(acquireTime: string | undefined, leaseTransitions: number) {
    const now = microTime(this.#client.clock.wall());
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.max(1, Math.ceil(this.#duration / 1000)),
      acquireTime: acquireTime ?? now,
      renewTime: now,
      leaseTransitions,
    };
  }

  #observe(lease: Lease): void {
    const { holderIdentity, renewTime, leaseTransitions } = lease.spec ?? {};
    const record = JSON.stringify([lease.metadata.uid, holderIdentity, renewTime, leaseTransitions]);
    if (this.#observed?.record !== record) this.#observed = { lease, record, at: this.#client.clock.now() };
    const leader = holderIdentity ?? '';
    if (leader === this.#leader) return;
    this.#leader = leader;
    if (leader !== '') this.#options.onLeader?.(leader);
  }

  /** Empties the holder, so that the next one need not wait for the lease to run out. */
  async #release(): Promise<void> {
    const { identity, namespace, name } = this.#options;
    const call = { timeoutMs: this.#retry * 2 };
    try {
      const held = this.#observed?.lease;
      if (held === undefined || this.#leader !== identity) return;
      try {
        await this.#empty(held, call);
      } catch (error) {
        if (!isApiError(error, 'conflict')) throw error;
        // A renewal that was cut off on our side came through after all.
        const now = await this.#client.find(leases, { namespace, name }, call);
        if (now?.spec?.holderIdentity === identity) await this.#empty(now, call);
      }
    } catch (error) {
      this.#options.onError?.(error);
    }
  }

  async #empty(held: Lease, call: { timeoutMs: number }): Promise<void> {
    const spec = { ...held.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(this.#client.clock.wall()) };
    this.#observe(await this.#client.replace<Lease>(leases, { ...held, spec }, call));
  }
}
