import { type AllocatedReason, conditionTypes, type Reason, reasonEntry } from '@herald/crds';
import {
  ApiError,
  type Client,
  type Clock,
  type EventRecorder,
  findCondition,
  isApiError,
  type Requeue,
  refOf,
  services,
  time,
} from '@herald/kube';
import { Contest } from './contest.ts';
import type { ControllerMetrics } from './metrics.ts';
import {
  type ConditionText,
  type DesiredStatus,
  ingressAddresses,
  releasePatch,
  type Service,
  type StatusPatch,
  statusPatch,
} from './service-status.ts';
import { StatusClaims } from './status-claims.ts';

export const fieldManager = 'herald-controller';

/** What one Service is given, by whichever mode it is served. */
export interface Answer {
  /** In the order of the status. */
  readonly addresses: readonly string[];
  readonly ipMode?: 'VIP' | 'Proxy' | undefined;
  readonly satisfied: boolean;
  readonly reason: AllocatedReason;
  readonly message: string;
}

/** A change of addresses that an event tells of. */
export interface ToldChange {
  readonly event: Reason;
  readonly message: string;
}

export interface ServiceWriterOptions {
  client: Client;
  clock: Clock;
  recorder: EventRecorder;
  metrics: ControllerMetrics;
  cached: (key: string) => Service | undefined;
  /** Keys of the Services whose cached status has the address. */
  cachedHolders: (address: string) => readonly string[];
  isOurs: (service: Service) => boolean;
  outcome: (key: string) => Answer | undefined;
  /** Annotations of a deprecated prefix that the Service uses. */
  deprecated: (service: Service) => readonly string[];
  announced: (key: string) => ConditionText;
  /** The API server does not know `ipMode`, so that an address that kube-proxy must leave alone cannot be listed. */
  onNoIPMode: () => void;
  /** Whether the lease is held for certain: asked before each write. */
  holds: () => boolean;
}

/** Another status has to be written first. */
const soon: Requeue = { requeueAfterMs: 25 };

/** Writes the status of Services: only where it differs, and an event for each change once it is written. */
export class ServiceWriter {
  readonly #options: ServiceWriterOptions;
  /** What our own last write returned, until the cache has caught up with it. */
  readonly #written = new Map<string, Service>();
  readonly #claims = new StatusClaims();
  /** Ingress as last seen to be as it shall be, to tell an edit by hand from a change of ours. */
  readonly #settled = new Map<string, { uid: string | undefined; addresses: readonly string[] }>();
  readonly #contest: Contest;
  /** Changes of address whose events wait for the status to be written. */
  readonly #changes = new Map<string, ToldChange[]>();
  /** Whether the API server keeps `ipMode`; undefined: it was not asked yet. */
  #keepsIPMode: boolean | undefined;
  /** When a change was first seen, for the histogram. */
  readonly #seenAt = new Map<string, number>();

  constructor(options: ServiceWriterOptions) {
    this.#options = options;
    this.#contest = new Contest(options.clock);
  }

  /** The Service as this process knows it: the cache lags behind our own writes. */
  latest(key: string): Service | undefined {
    const cached = this.#options.cached(key);
    const written = this.#written.get(key);
    if (written === undefined) return cached;
    if (cached === undefined || cached.metadata.uid !== written.metadata.uid || !isOlder(cached, written)) {
      this.#written.delete(key);
      return cached;
    }
    return written;
  }

  /** A change of the Service, or of what it depends on, was seen. */
  seen(key: string): void {
    if (!this.#seenAt.has(key)) this.#seenAt.set(key, this.#options.clock.now());
  }

  /** Remembers the changes of an answer for the events that tell of them. */
  changed(key: string, changes: readonly ToldChange[]): void {
    if (changes.length === 0) return;
    this.#changes.set(key, [...(this.#changes.get(key) ?? []), ...changes]);
  }

  gone(key: string): void {
    this.#options.metrics.announced(key, undefined);
    this.#claims.set(key, []);
    this.#contest.forget(key);
    for (const memory of [this.#written, this.#settled, this.#changes, this.#seenAt]) memory.delete(key);
  }

  /** Brings the status of one Service to what it shall be. */
  async write(key: string, signal: AbortSignal): Promise<Requeue | void> {
    const service = this.latest(key);
    if (service === undefined) return this.gone(key);
    if (!this.#options.isOurs(service)) return this.#release(key, service, signal);
    const outcome = this.#options.outcome(key);
    if (outcome === undefined) return;
    const { reason, message, satisfied, addresses, ipMode } = outcome;
    const allocated: ConditionText = {
      status: reasonEntry(reason).status ?? (satisfied ? 'True' : 'False'),
      reason,
      message: message.slice(0, 2000),
    };
    const announced = this.#options.announced(key);
    this.#options.metrics.announced(key, announced.reason);
    const blocked = this.#shownElsewhere(key, service, addresses);
    // What it gives up goes first: of two Services that swap addresses each waits for the other.
    const writable = addresses.filter(address => !blocked.includes(address));
    if (blocked.length > 0 && ingressAddresses(service).every(address => addresses.includes(address))) return soon;
    const desired: DesiredStatus = { addresses: writable, ipMode, allocated, announced };
    const patch = statusPatch(service, desired, time(this.#options.clock.wall()));
    const settled = this.#settled.get(key);
    // One of the same name may have come in its place before anybody looked.
    const isKnown = settled !== undefined && settled.uid === service.metadata.uid;
    const reverted = patch?.status.loadBalancer !== undefined && isKnown && equal(settled.addresses, addresses);
    if (reverted && this.#contest.left(key) > 0) return { requeueAfterMs: this.#contest.left(key) };
    if (patch?.status.loadBalancer !== undefined && ipMode === 'Proxy' && !(await this.#allowsProxy(key, patch, signal)))
      return this.#options.onNoIPMode();
    if (patch !== null) {
      this.#claims.add(key, writable);
      await this.#patch(key, service, patch, signal);
      if (reverted) this.#contest.putBack(key);
    }
    this.#claims.set(key, writable);
    if (blocked.length > 0) return soon;
    this.#settled.set(key, { uid: service.metadata.uid, addresses });
    this.#tell(key, service, allocated, reverted);
    const seenAt = this.#seenAt.get(key);
    this.#seenAt.delete(key);
    if (patch !== null && seenAt !== undefined) this.#options.metrics.statusWritten(this.#options.clock.now() - seenAt);
  }

  /**
   * Those of the addresses that the status of a Service may still show that no longer holds them. That status is written first: at no
   * time do two of them show one address without an agreement to share it.
   */
  #shownElsewhere(key: string, service: Service, addresses: readonly string[]): string[] {
    const present = new Set(ingressAddresses(service));
    const { cachedHolders, isOurs, outcome } = this.#options;
    return addresses.filter(address => {
      if (present.has(address)) return false;
      const cached = cachedHolders(address).filter(other => showsAddress(this.latest(other), address));
      const others = new Set([...cached, ...this.#claims.holders(address)]);
      others.delete(key);
      return [...others].some(other => {
        const holder = this.latest(other);
        const answer = outcome(other);
        return holder !== undefined && isOurs(holder) && (answer === undefined || !answer.addresses.includes(address));
      });
    });
  }

  async #release(key: string, service: Service, signal: AbortSignal): Promise<void> {
    const { recorder, metrics } = this.#options;
    metrics.announced(key, undefined);
    const held = this.#settled.get(key)?.addresses ?? [];
    // Of another class it is somebody else's now; only a Service that is no load balancer any more is cleaned up.
    const patch = service.spec?.type === 'LoadBalancer' ? null : releasePatch(service);
    if (patch !== null) await this.#patch(key, service, patch, signal);
    if (held.length > 0) {
      const message = `${held.join(', ')} given back: the Service is no longer of type LoadBalancer, or of another class`;
      recorder.record(service, { type: 'Normal', reason: 'AddressReleased', message });
    }
    this.#settled.delete(key);
    this.#claims.set(key, []);
    this.#changes.delete(key);
    this.#seenAt.delete(key);
  }

  async #patch(key: string, service: Service, patch: object, signal: AbortSignal): Promise<void> {
    const { client, holds } = this.#options;
    // A process that stood still may have been replaced: then the term is about to end, and its memory must not reach the API server.
    if (!holds()) throw new ApiError('aborted', `Service ${key}: the lease is not held for certain`);
    try {
      const written = await client.patch(services, refOf(key), patch, { type: 'strategic', subresource: 'status', fieldManager, signal });
      this.#written.set(key, written);
    } catch (error) {
      // Deleted meanwhile, or changed: the cache will say so, and then it is made anew.
      if (isApiError(error, 'not-found')) return;
      throw error;
    }
  }

  /**
   * Whether the API server keeps `ipMode` (Kubernetes 1.30), asked by a dry run: written without it, the address of a node would be bound
   * by every kube-proxy in IPVS mode.
   */
  async #allowsProxy(key: string, patch: StatusPatch, signal: AbortSignal): Promise<boolean> {
    if (this.#keepsIPMode === undefined && (patch.status.loadBalancer?.ingress ?? []).length > 0) {
      const options = { type: 'strategic', subresource: 'status', fieldManager, dryRun: true, signal } as const;
      const written = await this.#options.client.patch(services, refOf(key), patch, options);
      this.#keepsIPMode = (written.status?.loadBalancer?.ingress ?? []).every(entry => entry.ipMode === 'Proxy');
    }
    return this.#keepsIPMode !== false;
  }

  #tell(key: string, before: Service, allocated: ConditionText, reverted: boolean): void {
    const { recorder, metrics } = this.#options;
    for (const { event, message } of this.#changes.get(key) ?? []) {
      metrics.addressChanged(event);
      recorder.record(before, { type: reasonEntry(event).severity, reason: event, message, repeat: true });
    }
    this.#changes.delete(key);
    if (reverted) {
      const message = `status.loadBalancer was ${ingressAddresses(before).join(', ') || 'empty'}; the assigned addresses were written again`;
      recorder.record(before, { type: 'Warning', reason: 'AddressReverted', message });
    }
    const old = findCondition(before.status?.conditions, conditionTypes.allocated);
    if (old === undefined) {
      const names = this.#options.deprecated(before);
      const message = `${names.join(', ')}: this prefix is deprecated; write heraldlb.io/ instead`;
      if (names.length > 0) recorder.record(before, { type: 'Warning', reason: 'DeprecatedAnnotation', message });
    }
    if (allocated.status === 'False' && (old?.reason !== allocated.reason || old.message !== allocated.message)) {
      recorder.record(before, { type: 'Warning', reason: allocated.reason, message: allocated.message });
    }
  }
}

function showsAddress(service: Service | undefined, address: string): boolean {
  return service !== undefined && ingressAddresses(service).includes(address);
}

function equal(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}

/** Whether one version of an object is older than another; versions that are not numbers are never older. */
function isOlder(one: Service, other: Service): boolean {
  const [a, b] = [one.metadata.resourceVersion ?? '', other.metadata.resourceVersion ?? ''];
  return /^\d+$/.test(a) && /^\d+$/.test(b) && BigInt(a) < BigInt(b);
}
