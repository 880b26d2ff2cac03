import {
  type Announcement,
  type AnnouncementNode,
  type AnnouncementReason,
  type AnnouncementSpec,
  apiVersion,
  type OwnerReference,
} from '@herald/crds';
import { ApiError, type Client, isApiError, ownerReference, type Ref, type Requeue, refOf } from '@herald/kube';
import { canonical } from './canonical.ts';
import { Contest } from './contest.ts';
import { hashText } from './planner/index.ts';
import { announcements } from './resources.ts';
import type { Service } from './service-status.ts';
import { keepAnnotation } from './service-view.ts';
import { fieldManager } from './service-writer.ts';
import { Silence } from './silence.ts';

/** `Announcement.spec.reasons` holds no more. */
const maxReasons = 32;

/** What the Announcement of one Service shall be. */
export interface DesiredAnnouncement {
  spec: AnnouncementSpec;
  /** Nodes that may not announce, and why. */
  nodes: readonly AnnouncementNode[];
  /** Addresses whose pool says `onRemoval: Keep`. */
  keeps: readonly string[];
}

export interface AnnouncementWriterOptions {
  client: Client;
  service: (key: string) => Service | undefined;
  cached: (key: string) => Announcement | undefined;
  /** Null: the Service shall have none. */
  desired: (key: string) => DesiredAnnouncement | null;
  /** Nothing was decided about the Service yet, its namespace is unknown for instance: what is announced for it stays. */
  undecided: (key: string) => boolean;
  /** Why planned addresses are announced by nobody at the moment. */
  silent: (key: string) => readonly AnnouncementReason[];
  /** Whether the lease is held for certain: asked before each write. */
  holds: () => boolean;
}

/** Writes Announcements, only where they differ: one per Service with addresses, owned by it. */
export class AnnouncementWriter {
  readonly #options: AnnouncementWriterOptions;
  readonly #silence: Silence;
  /** What was applied last, as text, until the cache shows it. */
  readonly #applied = new Map<string, { text: string; version: string }>();
  /** What each was last seen to be as it shall be, to tell an edit by others from a change of ours. */
  readonly #settled = new Map<string, number>();
  readonly #contest: Contest;

  constructor(options: AnnouncementWriterOptions) {
    this.#options = options;
    this.#silence = new Silence(options.client.clock);
    this.#contest = new Contest(options.client.clock);
  }

  async write(key: string, signal: AbortSignal): Promise<Requeue | void> {
    const { client } = this.#options;
    const service = this.#options.service(key);
    const existing = this.#options.cached(key);
    if (service !== undefined && this.#options.undecided(key)) return;
    const planned = service === undefined ? null : this.#options.desired(key);
    if (service === undefined || planned === null) return this.#delete(key, existing, signal);
    const { reasons, again } = this.#silence.lasting(key, this.#options.silent(key), existing?.spec.reasons);
    const desired = { ...planned, spec: withReasons(planned.spec, reasons) };
    const ref = refOf(key);
    const owner = ownerReference({ ...service, apiVersion: 'v1', kind: 'Service' });
    const text = canonical([owner.uid, desired.keeps.join(','), desired.spec]);
    const hash = hashText(text);
    if (text !== textOf(existing) && text !== this.#pending(key, existing)) {
      this.#requireLease(key);
      const reverted = existing !== undefined && this.#settled.get(key) === hash;
      if (reverted && this.#contest.left(key) > 0) return { requeueAfterMs: this.#contest.left(key) };
      const written = await this.#put(ref, existing, desired, owner, signal);
      this.#applied.set(key, { text, version: written.metadata.resourceVersion ?? '' });
      if (reverted) this.#contest.putBack(key);
    }
    this.#settled.set(key, hash);
    if (canonical(desired.nodes) !== canonical(existing?.status?.nodes ?? [])) {
      this.#requireLease(key);
      const status = { nodes: [...desired.nodes] };
      await client.apply<Announcement>(
        announcements,
        { metadata: ref, status },
        { subresource: 'status', fieldManager, force: true, signal },
      );
    }
    if (again !== undefined) return { requeueAfterMs: again };
  }

  /**
   * Creates it, or replaces its spec as a whole. Not by server-side apply: that merges lists of the type `set` entry by entry, and neither
   * keeps their order, which is the order of preference, nor removes what somebody else put in.
   */
  async #put(
    ref: Ref,
    existing: Announcement | undefined,
    desired: DesiredAnnouncement,
    owner: OwnerReference,
    signal: AbortSignal,
  ): Promise<Announcement> {
    const { client } = this.#options;
    const { name, namespace = '' } = ref;
    const keeps = desired.keeps.length === 0 ? null : desired.keeps.join(',');
    if (existing === undefined) {
      const annotations = keeps === null ? {} : { [keepAnnotation]: keeps };
      const metadata = { name, namespace, ownerReferences: [owner], annotations };
      try {
        return await client.create<Announcement>(
          announcements,
          { apiVersion, kind: 'Announcement', metadata, spec: desired.spec },
          { fieldManager, signal },
        );
      } catch (error) {
        if (!isApiError(error, 'already-exists')) throw error;
      }
    }
    const metadata = { ownerReferences: [owner], annotations: { [keepAnnotation]: keeps } };
    const { addresses, reasons = null, forward = null } = desired.spec;
    const spec = { addresses, reasons, forward };
    try {
      return await client.patch(announcements, ref, { metadata, spec }, { type: 'merge', fieldManager, signal });
    } catch (error) {
      if (existing === undefined || !isApiError(error, 'not-found')) throw error;
      return this.#put(ref, undefined, desired, owner, signal);
    }
  }

  /** A process that stood still may have been replaced: the plan in its memory would move addresses that are in use. */
  #requireLease(key: string): void {
    if (!this.#options.holds()) throw new ApiError('aborted', `Announcement ${key}: the lease is not held for certain`);
  }

  /** The cache has changed: what was applied before is forgotten once the cache is as new. */
  observed(key: string): void {
    const version = this.#options.cached(key)?.metadata.resourceVersion;
    const applied = this.#applied.get(key);
    if (applied === undefined) return;
    if (version === undefined || !/^\d+$/.test(version) || !/^\d+$/.test(applied.version) || BigInt(version) >= BigInt(applied.version))
      this.#applied.delete(key);
  }

  #pending(key: string, existing: Announcement | undefined): string | undefined {
    const applied = this.#applied.get(key);
    return applied !== undefined && existing?.metadata.resourceVersion !== applied.version ? applied.text : undefined;
  }

  async #delete(key: string, existing: Announcement | undefined, signal: AbortSignal): Promise<void> {
    this.#silence.forget(key);
    this.#settled.delete(key);
    this.#contest.forget(key);
    if (existing === undefined && !this.#applied.has(key)) return;
    this.#requireLease(key);
    try {
      await this.#options.client.delete(announcements, refOf(key), { uid: existing?.metadata.uid, signal });
    } catch (error) {
      // Gone already, or another one by now, which the cache will show.
      if (!isApiError(error, 'not-found', 'conflict')) throw error;
    }
    this.#applied.delete(key);
  }
}

/** What is announced by nobody although it is planned stands beside what is not planned: a user asks for both in one place. */
function withReasons(spec: AnnouncementSpec, more: readonly AnnouncementReason[]): AnnouncementSpec {
  return more.length === 0 ? spec : { ...spec, reasons: [...(spec.reasons ?? []), ...more].slice(0, maxReasons) };
}

function textOf(existing: Announcement | undefined): string | undefined {
  if (existing === undefined) return undefined;
  return canonical([existing.metadata.ownerReferences?.[0]?.uid, existing.metadata.annotations?.[keepAnnotation] ?? '', existing.spec]);
}
