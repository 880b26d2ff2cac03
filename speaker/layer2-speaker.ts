import type { Announcement, AnnouncementOwner } from '@herald/crds';
import { type Client, type EventRecorder, type Informer, isApiError, keyOf, refOf, WorkQueue } from '@herald/kube';
import type { Logger } from '@herald/process';
import type { SpeakerMetrics } from './metrics.ts';
import { recordEvent } from './owner-events.ts';
import { merged, Owners, reported, sameOwners } from './owners.ts';
import { WirePlan } from './plan.ts';
import { announcements } from './resources.ts';
import { type SharedAddress, share } from './share.ts';
import type { WireCommand, WireEvent } from './wire/messages.ts';

export interface Layer2Options {
  node: string;
  client: Client;
  informer: Informer<Announcement>;
  recorder: EventRecorder;
  metrics: SpeakerMetrics;
  logger: Logger;
  /** To the wire thread. */
  command: (command: WireCommand) => void;
  /** The plan or what is owned changed: time for a new snapshot. */
  onPlan: () => void;
}

/** Owner and first confirmation come within milliseconds: one write for both. */
const WRITE_DELAY = 25;
/** Time for what is on its way to arrive, before a difference is believed. */
const SETTLE_DELAY = 1_000;

/** Layer 2 on the main thread: the plan goes to the wire thread, and who owns what goes into the Announcements. */
export class Layer2Speaker {
  readonly owners: Owners;
  readonly #options: Layer2Options;
  readonly #plan = new WirePlan();
  readonly #queue: WorkQueue;
  #shared = new Map<string, SharedAddress>();
  #planning = false;
  /** Last written per Announcement, until the watch brings it back: the store may be older than our own write. */
  readonly #written = new Map<string, AnnouncementOwner[]>();

  constructor(options: Layer2Options) {
    this.#options = options;
    this.owners = new Owners(options.node);
    const { logger, client } = options;
    this.#queue = new WorkQueue({
      name: 'owners',
      clock: client.clock,
      onError: (key, error, attempt) => logger.warn({ announcement: key, attempt, error: String(error) }, 'could not report the owner'),
    });
    options.informer.on(event => {
      if (event.type === 'synced') return this.#settleOwners();
      if (event.type === 'deleted') this.#written.delete(keyOf(event.object));
      if (event.type !== 'updated' || event.object.metadata.generation !== event.old.metadata.generation) this.#schedulePlan();
      if (event.type === 'updated') this.#compare(event.object);
    });
  }

  get shared(): ReadonlyMap<string, SharedAddress> {
    return this.#shared;
  }

  /** What this node may own, with what it owns now, for the next process. */
  snapshot(): SharedAddress[] {
    const eligible = [...this.#shared.values()].filter(address => address.eligible);
    const restored = (ip: string) => this.owners.of([ip]).map(({ segment, epoch }) => ({ segment, epoch }));
    return eligible.map(address => Object.assign({}, address, { restored: restored(address.ip) }));
  }

  /** Works from a snapshot until the API server answers. */
  restore(addresses: readonly SharedAddress[]): void {
    this.#apply(new Map(addresses.map(address => [address.ip, address])));
  }

  /** The plan as of now, to the wire thread. */
  replan(): void {
    const { informer, node } = this.#options;
    if (!informer.hasSynced) return;
    this.#apply(share(informer.list(), node));
    this.#options.onPlan();
  }

  event(event: WireEvent): void {
    const { metrics, client } = this.#options;
    switch (event.kind) {
      case 'acquired':
        this.owners.acquired(event, client.clock.wall());
        break;
      case 'released':
        this.owners.released(event.ip, event.segment);
        break;
      case 'confirmed':
        this.owners.confirmed(event.ip, event.segment, client.clock.wall());
        break;
      case 'conflict':
        this.owners.conflict(event, client.clock.wall());
        break;
      case 'conflict-over':
        this.owners.conflictOver(event.ip, event.segment);
        break;
      default:
        return;
    }
    metrics.owned(this.owners.size);
    this.#options.onPlan();
    this.#log(event);
    for (const key of this.#announcementsOf(event.ip)) {
      const announcement = this.#options.informer.get(key);
      if (announcement !== undefined) recordEvent(this.#options.recorder, this.#options.node, announcement, event);
      this.#queue.addAfter(key, WRITE_DELAY);
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#queue.run(key => this.#write(key), { workers: 8, signal });
  }

  /** Writes what is not written yet, once, at the end of the process. */
  async flush(): Promise<void> {
    const { informer, logger, node } = this.#options;
    const behind = informer.list().filter(announcement => !sameOwners(this.#ownersOf(announcement), reported(announcement, node)));
    const written = await Promise.allSettled(behind.map(async announcement => this.#write(keyOf(announcement))));
    const failed = written.filter(result => result.status === 'rejected');
    if (failed.length > 0) logger.warn({ announcements: failed.length }, 'could not report that addresses were given up');
  }

  /** Changes come in bursts; they are planned together before anything else happens. */
  #schedulePlan(): void {
    if (this.#planning) return;
    this.#planning = true;
    queueMicrotask(() => {
      this.#planning = false;
      this.replan();
    });
  }

  #apply(shared: Map<string, SharedAddress>): void {
    this.#shared = shared;
    const command = this.#plan.update(shared);
    if (command !== undefined) this.#options.command(command);
  }

  /** After a restart: entries of an earlier life that do not hold any more go. */
  #settleOwners(): void {
    this.replan();
    const { informer, node } = this.#options;
    for (const announcement of informer.list())
      if (reported(announcement, node).length > 0) this.#queue.addAfter(keyOf(announcement), SETTLE_DELAY);
  }

  /** Somebody changed what this node says about itself, or an earlier write of ours has arrived. */
  #compare(announcement: Announcement): void {
    const key = keyOf(announcement);
    const now = reported(announcement, this.#options.node);
    const written = this.#written.get(key);
    if (written !== undefined && sameOwners(written, now)) this.#written.delete(key);
    if (!sameOwners(this.#ownersOf(announcement), now)) this.#queue.addAfter(key, SETTLE_DELAY);
  }

  #ownersOf(announcement: Announcement): AnnouncementOwner[] {
    return this.owners.of(announcement.spec.addresses.map(({ ip }) => ip));
  }

  #announcementsOf(ip: string): readonly string[] {
    return this.#shared.get(ip)?.announcements ?? this.#options.informer.list().filter(owns(ip)).map(keyOf);
  }

  /**
   * Writes this node's entries beside those of the others. Not by server-side apply: two owners one after the other give an entry equal
   * fields, which would then belong to both managers, and a dead one never lets go.
   */
  async #write(key: string): Promise<void> {
    const { informer, node, client } = this.#options;
    let announcement = informer.get(key);
    if (announcement === undefined) return;
    const owners = this.#ownersOf(announcement);
    const known = reported(announcement, node);
    if (sameOwners(owners, known) && sameOwners(owners, this.#written.get(key) ?? known)) return;
    this.#written.set(key, owners);
    try {
      try {
        await this.#patch(announcement, owners);
      } catch (error) {
        if (!isApiError(error, 'conflict')) throw error;
        // The store is a little behind; what is written now is based on what is there now.
        announcement = await client.get(announcements, refOf(key));
        await this.#patch(announcement, owners);
      }
    } catch (error) {
      this.#written.delete(key);
      if (!isApiError(error, 'not-found')) throw error;
    }
  }

  async #patch(announcement: Announcement, owners: AnnouncementOwner[]): Promise<void> {
    const { node, client } = this.#options;
    const { resourceVersion } = announcement.metadata;
    const status = { owners: merged(announcement, owners, node) };
    const options = { type: 'merge', subresource: 'status', fieldManager: `herald-speaker-${node}` } as const;
    await client.patch(announcements, refOf(keyOf(announcement)), { metadata: { resourceVersion }, status }, options);
  }

  #log(event: WireEvent): void {
    const { logger } = this.#options;
    if (event.kind === 'acquired') {
      const { ip, segment, interface: name, mac, epoch, cause } = event;
      logger.info({ ip, segment, interface: name, mac, epoch, cause }, 'announcing');
    } else if (event.kind === 'released') {
      const { ip, segment, interface: name, cause, to } = event;
      logger.info({ ip, segment, interface: name, cause, to }, 'no longer announcing');
    } else if (event.kind === 'conflict') {
      const { ip, mac, interface: name, phase } = event;
      logger.warn({ ip, mac, interface: name, phase }, 'another host uses the address');
    }
  }
}

function owns(ip: string): (announcement: Announcement) => boolean {
  return announcement => announcement.spec.addresses.some(address => address.ip === ip);
}
