import type { Announcement, AnnouncementOwner } from '@herald/crds';
import { type Client, type EventRecorder, type Informer, isApiError, keyOf, refOf, WorkQueue } from '@herald/kube';
import type { Logger } from '@herald/process';
import type { FlowTable } from './flows.ts';
import { LameDucks } from './lame-ducks.ts';
import { REQUEST_LIFETIME } from './mesh/preempt.ts';
import type { SpeakerMetrics } from './metrics.ts';
import { recordEvent } from './owner-events.ts';
import { type Flows, flowKey, merged, Owners, reported, reportedFlows, sameOwners } from './owners.ts';
import { WirePlan } from './plan.ts';
import { recalled } from './recalled.ts';
import { announcements } from './resources.ts';
import { REBALANCE, type SharedAddress, share, spanOf } from './share.ts';
import type { WireCommand, WireEvent } from './wire/messages.ts';

export interface Layer2Options {
  node: string;
  client: Client;
  informer: Informer<Announcement>;
  recorder: EventRecorder;
  metrics: SpeakerMetrics;
  logger: Logger;
  /** How long claims of a silent speaker are held where the plan says nothing (ms). */
  hold: number;
  /** How long a planned move goes on for established connections where the plan says nothing (ms). */
  drain: number;
  /** Where established connections are counted; `off`: nowhere. */
  flowTable?: FlowTable | 'off' | undefined;
  /** To the wire thread. */
  command: (command: WireCommand) => void;
  /** The plan or what is owned changed: time for a new snapshot. */
  onPlan: () => void;
}

/** Owner and first confirmation come within milliseconds: one write for both. */
const WRITE_DELAY = 25;
/** Time for what is on its way to arrive, before a difference is believed. */
const SETTLE_DELAY = 1_000;
/** Of two nodes that both own an address and do not hear each other, each writes itself over the other the less often, down to this (ms). */
const CONTESTED_DELAY = 60_000;
/** What this node had before a restart is taken up so long (ms) after the first report of the wire thread, or counts no more. */
const RESTORE_LIMIT = 5_000;
/** Between two reports of how many connections are left (ms), and for each address that is moving. */
const FLOWS_INTERVAL = 3_000;
const FLOWS_PACE = 100;

/** Layer 2 on the main thread: the plan goes to the wire thread, and who owns what goes into the Announcements. */
export class Layer2Speaker {
  readonly owners: Owners;
  readonly lameDucks: LameDucks;
  readonly #options: Layer2Options;
  readonly #plan = new WirePlan();
  readonly #queue: WorkQueue;
  #shared = new Map<string, SharedAddress>();
  /** Connections left, as they are reported; written to the API less often than they are counted. */
  #flows = new Map<string, number>();
  #flowsAt = Number.NEGATIVE_INFINITY;
  #planning = false;
  /** When the wire thread first reported. */
  #reportedAt: number | undefined;
  #settled = false;
  /** Announcements in which another node wrote itself over this one: how long that stays, and whether it was undone since. */
  readonly #contested = new Map<string, { delay: number; at: number; undone: boolean }>();
  /** Last written per Announcement, until the watch brings it back: the store may be older than our own write. */
  readonly #written = new Map<string, AnnouncementOwner[]>();

  constructor(options: Layer2Options) {
    this.#options = options;
    this.owners = new Owners(options.node);
    const { logger, client } = options;
    this.lameDucks = new LameDucks({
      clock: client.clock,
      logger,
      table: options.flowTable,
      onCounts: counts => {
        options.command({ kind: 'flows', counts });
        this.#reportFlows();
      },
    });
    this.#queue = new WorkQueue({
      name: 'owners',
      clock: client.clock,
      onError: (key, error, attempt) => logger.warn({ announcement: key, attempt, error: String(error) }, 'could not report the owner'),
    });
    options.informer.on(event => {
      if (event.type === 'synced') {
        this.replan();
        return this.#reviewReported();
      }
      if (event.type === 'deleted') {
        this.#written.delete(keyOf(event.object));
        this.#contested.delete(keyOf(event.object));
      }
      if (event.type !== 'updated' || changesPlan(event.object, event.old)) this.#schedulePlan();
      // One that comes may share an address that this node has already.
      if (event.type === 'added') this.#compare(event.object);
      if (event.type === 'updated') {
        this.#compare(event.object);
        if (request(event.object) !== request(event.old)) this.#noteRequest(event.object);
      }
    });
  }

  /**
   * The wire thread has taken up what this node had before a restart, or left it to others. Until then it is not what is owned that counts, but
   * what was reported and saved before: a process that ends sooner must leave that to the next one.
   */
  get settled(): boolean {
    return this.#settled;
  }

  get shared(): ReadonlyMap<string, SharedAddress> {
    return this.#shared;
  }

  /** What this node may own, with what it owns now, for the next process. */
  snapshot(): SharedAddress[] {
    const ducks = this.lameDucks.byAddress();
    const wanted = [...this.#shared.values()].filter(({ ip, eligible }) => eligible || ducks.has(ip));
    return wanted.map(address => ({
      ...address,
      restored: this.owners.of([address.ip]).map(({ segment, epoch, since, draining }) => ({
        segment,
        epoch,
        sinceMs: Date.parse(since),
        ...(draining !== undefined && { quiet: { from: draining.node, ...spanOf(draining) } }),
      })),
      lameDucks: (ducks.get(address.ip) ?? []).map(({ segment, to, since, until }) => ({
        segment,
        to,
        untilMs: until,
        forMs: Math.max(0, until - since),
      })),
    }));
  }

  /** From here on what was reported of an earlier life counts no more. */
  settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#options.onPlan();
    this.#reviewReported();
  }

  /** Works from a snapshot until the API server answers. */
  restore(addresses: readonly SharedAddress[]): void {
    this.#apply(new Map(addresses.map(address => [address.ip, address])));
  }

  /**
   * Before the wire thread begins: what this node took over while the API server was away, and was ended before it could tell, is in the
   * snapshot only.
   */
  recall(addresses: readonly SharedAddress[]): void {
    const { informer, node, hold, drain } = this.#options;
    if (!informer.hasSynced) return;
    this.#plan.forget();
    this.#apply(recalled(share(informer.list(), node, { hold, drain }), addresses, informer.list()));
  }

  /** The plan as of now, to the wire thread. */
  replan(): void {
    const { informer, node, hold, drain } = this.#options;
    if (!informer.hasSynced) return;
    this.#apply(share(informer.list(), node, { hold, drain }));
    this.#options.onPlan();
  }

  event(event: WireEvent): void {
    const { metrics, client } = this.#options;
    switch (event.kind) {
      case 'acquired':
        this.owners.acquired(event, client.clock.wall(), this.#confirmedBefore(event));
        break;
      case 'released':
        this.owners.released(event.ip, event.segment);
        if (event.lameDuckMs !== undefined && event.to !== undefined)
          this.#beginLameDuck(event.ip, event.segment, event.to, event.lameDuckMs);
        break;
      case 'announced':
        this.owners.announced(event.ip, event.segment);
        break;
      case 'lame-duck':
        this.#beginLameDuck(event.ip, event.segment, event.to, event.forMs);
        break;
      case 'lame-duck-over':
        this.lameDucks.end(event.ip, event.segment);
        this.#flows.delete(flowKey(event));
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
      case 'report': {
        const now = client.clock.now();
        this.#reportedAt ??= now;
        if (event.segments.every(({ restoring }) => restoring === 0) || now - this.#reportedAt >= RESTORE_LIMIT) this.settle();
        return;
      }
      default:
        return;
    }
    metrics.owned(this.owners.size);
    metrics.lameDucks(this.lameDucks.all.length, this.lameDucks.flows ?? 0);
    this.#options.onPlan();
    this.#log(event);
    for (const key of this.#announcementsOf(event.ip)) {
      const announcement = this.#options.informer.get(key);
      if (announcement !== undefined) recordEvent(this.#options.recorder, this.#options.node, announcement, event);
      this.#queue.addAfter(key, WRITE_DELAY);
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.lameDucks.stop(), { once: true });
    await this.#queue.run((key, ended) => this.#write(key, ended), { workers: 8, signal });
  }

  /** Writes what is not written yet, once, at the end of the process. */
  async flush(signal?: AbortSignal): Promise<void> {
    const { informer, logger } = this.#options;
    const behind = informer.list().filter(announcement => !this.#isReported(announcement));
    const written = await Promise.allSettled(behind.map(async announcement => this.#write(keyOf(announcement), signal)));
    const failed = written.filter(result => result.status === 'rejected');
    if (failed.length > 0) logger.warn({ announcements: failed.length }, 'could not report which addresses this node has');
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
  #reviewReported(): void {
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
    if (!this.#isReported(announcement)) this.#queue.addAfter(key, this.#settleDelay(announcement));
    else {
      const contest = this.#contested.get(key);
      if (contest !== undefined) contest.undone = true;
    }
  }

  /** Every write of one owner is the reason for the next of the other: without a pause that grows it would go on like that for ever. */
  #settleDelay(announcement: Announcement): number {
    const key = keyOf(announcement);
    const own = new Set(this.#ownersOf(announcement).map(flowKey));
    const { node, client } = this.#options;
    const isContested = announcement.status?.owners?.some(owner => owner.node !== node && own.has(flowKey(owner))) ?? false;
    if (!isContested) return SETTLE_DELAY;
    const now = client.clock.now();
    const before = this.#contested.get(key);
    if (before !== undefined && !before.undone) return before.delay;
    const isOngoing = before !== undefined && now - before.at < 2 * CONTESTED_DELAY;
    const delay = isOngoing ? Math.min(2 * before.delay, CONTESTED_DELAY) : SETTLE_DELAY;
    this.#contested.set(key, { delay, at: now, undone: false });
    return delay;
  }

  /** A request that is too old when it arrives moves nothing: most likely the clock of whoever asked is behind. */
  #noteRequest(announcement: Announcement): void {
    const { client, logger, node } = this.#options;
    const age = client.clock.wall() - Date.parse(request(announcement) ?? '');
    if (!(age >= REQUEST_LIFETIME) || reported(announcement, node).length === 0) return;
    logger.warn(
      { announcement: keyOf(announcement), seconds: seconds(age) },
      'asked to rebalance at a time long past, which moves nothing: compare the clocks',
    );
  }

  /** The Announcement says of this node what is the case. */
  #isReported(announcement: Announcement): boolean {
    const { node } = this.#options;
    return sameOwners(this.#ownersOf(announcement), reported(announcement, node)) && this.#areFlowsReported(announcement);
  }

  #areFlowsReported(announcement: Announcement): boolean {
    for (const [key, flows] of reportedFlows(announcement, this.#options.node)) if ((this.#flows.get(key) ?? flows) !== flows) return false;
    return true;
  }

  #beginLameDuck(ip: string, segment: string, to: string, forMs: number): void {
    const since = this.#options.client.clock.wall();
    this.lameDucks.begin({ ip, segment, to, since, until: since + forMs });
  }

  /** Numbers change with every count; they are told now and then, the more addresses the less often. */
  #reportFlows(): void {
    const { client, metrics } = this.#options;
    const ducks = this.lameDucks.all;
    metrics.lameDucks(ducks.length, this.lameDucks.flows ?? 0);
    const now = client.clock.now();
    const isFirst = ducks.some(duck => !this.#flows.has(flowKey(duck)));
    if (!isFirst && now - this.#flowsAt < Math.max(FLOWS_INTERVAL, FLOWS_PACE * ducks.length)) return;
    this.#flowsAt = now;
    for (const duck of ducks) {
      const flows = this.lameDucks.flowsOf(duck.ip);
      if (flows === undefined || this.#flows.get(flowKey(duck)) === flows) continue;
      this.#flows.set(flowKey(duck), flows);
      for (const key of this.#announcementsOf(duck.ip)) this.#queue.addAfter(key, WRITE_DELAY);
    }
  }

  #ownersOf(announcement: Announcement): AnnouncementOwner[] {
    const owned = this.owners.of(announcement.spec.addresses.map(({ ip }) => ip));
    if (this.#settled) return owned;
    const known = new Set(owned.map(flowKey));
    return [...owned, ...reported(announcement, this.#options.node).filter(owner => !known.has(flowKey(owner)))];
  }

  /** Of a claim that goes on: without it a restart would be a write for each address, and another one when it is confirmed anew. */
  #confirmedBefore({ ip, segment, mac, epoch, cause }: WireEvent & { kind: 'acquired' }): string | undefined {
    if (cause !== 'restored') return undefined;
    const announcement = this.#options.informer.get(this.#announcementsOf(ip)[0] ?? '');
    const before = announcement && reported(announcement, this.#options.node);
    return before?.find(owner => owner.ip === ip && owner.segment === segment && owner.mac === mac && owner.epoch === epoch)?.confirmed;
  }

  #announcementsOf(ip: string): readonly string[] {
    return this.#shared.get(ip)?.announcements ?? this.#options.informer.list().filter(owns(ip)).map(keyOf);
  }

  /**
   * Writes this node's entries beside those of the others. Not by server-side apply: two owners one after the other give an entry equal
   * fields, which would then belong to both managers, and a dead one never lets go.
   */
  async #write(key: string, signal?: AbortSignal): Promise<void> {
    const { informer, node, client } = this.#options;
    let announcement = informer.get(key);
    if (announcement === undefined) return;
    const owners = this.#ownersOf(announcement);
    const known = reported(announcement, node);
    const isWritten = sameOwners(owners, known) && sameOwners(owners, this.#written.get(key) ?? known);
    if (isWritten && this.#areFlowsReported(announcement)) return;
    this.#written.set(key, owners);
    try {
      try {
        await this.#patch(announcement, owners, signal);
      } catch (error) {
        if (!isApiError(error, 'conflict')) throw error;
        // The store is a little behind; what is written now is based on what is there now.
        announcement = await client.get(announcements, refOf(key), { signal });
        await this.#patch(announcement, owners, signal);
      }
    } catch (error) {
      this.#written.delete(key);
      if (!isApiError(error, 'not-found')) throw error;
    }
  }

  async #patch(announcement: Announcement, owners: AnnouncementOwner[], signal: AbortSignal | undefined): Promise<void> {
    const { node, client } = this.#options;
    const { resourceVersion } = announcement.metadata;
    const flows: Flows = this.#flows;
    const status = { owners: merged(announcement, owners, node, flows) };
    const options = { type: 'merge', subresource: 'status', fieldManager: `herald-speaker-${node}`, signal } as const;
    await client.patch(announcements, refOf(keyOf(announcement)), { metadata: { resourceVersion }, status }, options);
  }

  #log(event: WireEvent): void {
    const { logger } = this.#options;
    if (event.kind === 'acquired') {
      const { ip, segment, interface: name, mac, epoch, cause, quiet } = event;
      if (quiet === undefined) logger.info({ ip, segment, interface: name, mac, epoch, cause }, 'announcing');
      else
        logger.info(
          { ip, segment, interface: name, mac, epoch, cause, from: quiet.from, seconds: seconds(quiet.forMs) },
          'answering new clients; connections that are established stay with the old node',
        );
    } else if (event.kind === 'released') {
      const { ip, segment, interface: name, cause, to, lameDuckMs } = event;
      if (lameDuckMs === undefined) logger.info({ ip, segment, interface: name, cause, to }, 'no longer announcing');
      else
        logger.info(
          { ip, segment, interface: name, cause, to, seconds: seconds(lameDuckMs) },
          'moving away; connections that are established through this node are forwarded on',
        );
    } else if (event.kind === 'announced') {
      logger.info({ ip: event.ip, segment: event.segment, why: event.why }, 'announcing: the planned move is over');
    } else if (event.kind === 'lame-duck') {
      const { ip, segment, to, forMs } = event;
      logger.info({ ip, segment, to, seconds: seconds(forMs) }, 'forwarding connections on that were established before the restart');
    } else if (event.kind === 'lame-duck-over') {
      logger.info({ ip: event.ip, segment: event.segment, why: event.why }, 'moved away');
    } else if (event.kind === 'conflict') {
      const { ip, mac, interface: name, phase } = event;
      logger.warn({ ip, mac, interface: name, phase }, 'another host uses the address');
    }
  }
}

function seconds(ms: number): number {
  return Math.max(0, Math.round(ms / 1_000));
}

function owns(ip: string): (announcement: Announcement) => boolean {
  return announcement => announcement.spec.addresses.some(address => address.ip === ip);
}

/** A change of the status is none of the plan; annotations do not count in the generation. */
function changesPlan({ metadata: now }: Announcement, { metadata: old }: Announcement): boolean {
  return now.generation !== old.generation || request({ metadata: now }) !== request({ metadata: old });
}

function request({ metadata }: Pick<Announcement, 'metadata'>): string | undefined {
  return metadata.annotations?.[REBALANCE];
}
