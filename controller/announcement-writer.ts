import type { Announcement, AnnouncementNode, AnnouncementSpec } from '@herald/crds';
import { type Client, isApiError, ownerReference, refOf } from '@herald/kube';
import { canonical } from './canonical.ts';
import { announcements } from './resources.ts';
import type { Service } from './service-status.ts';
import { keepAnnotation } from './service-view.ts';
import { fieldManager } from './service-writer.ts';

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
}

/** Writes Announcements by server-side apply, only where they differ: one per Service with addresses, owned by it. */
export class AnnouncementWriter {
  readonly #options: AnnouncementWriterOptions;
  /** What was applied last, as text, until the cache shows it. */
  readonly #applied = new Map<string, { text: string; version: string }>();

  constructor(options: AnnouncementWriterOptions) {
    this.#options = options;
  }

  async write(key: string, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const service = this.#options.service(key);
    const existing = this.#options.cached(key);
    const desired = service === undefined ? null : this.#options.desired(key);
    if (service === undefined || desired === null) return this.#delete(key, existing, signal);
    const { namespace, name } = refOf(key);
    const owner = ownerReference({ ...service, apiVersion: 'v1', kind: 'Service' });
    const annotations = desired.keeps.length === 0 ? {} : { [keepAnnotation]: desired.keeps.join(',') };
    const metadata = { name, namespace, ownerReferences: [owner], annotations };
    const text = canonical([owner.uid, annotations[keepAnnotation], desired.spec]);
    if (text !== textOf(existing) && text !== this.#pending(key, existing)) {
      const options = { fieldManager, force: true, signal };
      const written = await client.apply<Announcement>(announcements, { metadata, spec: desired.spec }, options);
      this.#applied.set(key, { text, version: written.metadata.resourceVersion ?? '' });
    }
    if (canonical(desired.nodes) !== canonical(existing?.status?.nodes ?? [])) {
      const status = { nodes: [...desired.nodes] };
      await client.apply<Announcement>(
        announcements,
        { metadata: { name, namespace }, status },
        { subresource: 'status', fieldManager, force: true, signal },
      );
    }
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
    const known = this.#applied.delete(key);
    if (existing === undefined && !known) return;
    try {
      await this.#options.client.delete(announcements, refOf(key), { uid: existing?.metadata.uid, signal });
    } catch (error) {
      // Gone already, or another one by now, which the cache will show.
      if (!isApiError(error, 'not-found', 'conflict')) throw error;
    }
  }
}

function textOf(existing: Announcement | undefined): string | undefined {
  if (existing === undefined) return undefined;
  return canonical([existing.metadata.ownerReferences?.[0]?.uid, existing.metadata.annotations?.[keepAnnotation], existing.spec]);
}
