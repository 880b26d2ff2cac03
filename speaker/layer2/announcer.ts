import type { Mac } from './ethernet.ts';

/** A neighbour that has to learn the way to an address: a gateway, or somebody who asked for it lately. */
export interface Neighbour {
  ip: string;
  /** Unknown for a gateway not yet resolved: asked by broadcast or solicited-node multicast. */
  mac?: Mac | undefined;
}

/** What to send next. The responder makes the frame of it, for ARP or NDP by the family of `ip`. */
export type Announcement = { kind: 'gratuitous'; ip: string } | { kind: 'directed'; ip: string; neighbour: Neighbour };

export interface AnnouncerTimers {
  /** Broadcast announcements after the first, in ms from it. The gaps exceed 1 s: old Linux kernels ignore faster ones. */
  broadcastRepeats: readonly number[];
  /** When neighbours that have not confirmed are asked again, in ms from the first announcement. */
  directedRepeats: readonly number[];
  /** Directed refresh to the gateways: switches forget a quiet port before gateways forget the address (ms, ± 10 %). */
  refreshDirected: number;
  /** Broadcast refresh (ms, ± 10 %). */
  refreshBroadcast: number;
  /** Frames per second over all addresses of the interface. */
  rate: number;
}

export const ANNOUNCER_TIMERS: AnnouncerTimers = {
  broadcastRepeats: [1_100, 2_300, 5_000],
  directedRepeats: [20, 50, 100, 200, 1_000, 5_000],
  refreshDirected: 60_000,
  refreshBroadcast: 300_000,
  rate: 500,
};

/** The first confirmation of an address by a neighbour. */
export interface Confirmation {
  ip: string;
  neighbour: string;
  /** ms from the first announcement to the answer. */
  afterMs: number;
}

interface Announcing {
  since: number;
  neighbours: Map<string, Neighbour>;
  unconfirmed: Set<string>;
  confirmedAt: number | undefined;
  stopped: boolean;
}

interface Job {
  of: Announcing;
  at: number;
  /** 0 first announcements, 1 repeats, 2 refreshes: when frames must wait, these go in this order. */
  priority: 0 | 1 | 2;
  /** What to send, to whom: gateways are looked up when it is due, because they and their MACs change. */
  to: 'all' | 'gateways' | Neighbour;
  ip: string;
  /** A directed repeat is dropped once its neighbour has confirmed. */
  onlyUnconfirmed: boolean;
  /** ms until it is due again, for refreshes. */
  every?: number;
}

/** The gateways of now that have to know the way to `ip`, as far as their MACs are known. */
export type GatewaysFor = (ip: string) => readonly Neighbour[];

/**
 * Announces addresses and watches for confirmations (pure: frames are returned, time, chance and gateways are passed in).
 * At first one broadcast and a directed request to every gateway and recent asker, repeats to the silent ones, refreshes for ever.
 */
export class Announcer {
  readonly #timers: AnnouncerTimers;
  readonly #random: () => number;
  readonly #gatewaysFor: GatewaysFor;
  readonly #announcing = new Map<string, Announcing>();
  /** Sorted by time when `#dirty` is not set; jobs of stopped addresses go at the next sorting. */
  #jobs: Job[] = [];
  #dirty = false;
  #tokens: number;
  #filledAt = 0;

  constructor(random: () => number, gatewaysFor: GatewaysFor, timers: AnnouncerTimers = ANNOUNCER_TIMERS) {
    this.#timers = timers;
    this.#gatewaysFor = gatewaysFor;
    this.#random = random;
    this.#tokens = this.#burst;
  }

  /** Begins (or begins again) to announce `ip`, to its gateways first, then to its `askers`. */
  start(ip: string, askers: readonly Neighbour[], now: number): void {
    this.stop(ip);
    const neighbours = new Map<string, Neighbour>();
    for (const neighbour of [...this.#gatewaysFor(ip), ...askers])
      if (!neighbours.has(neighbour.ip) && neighbour.ip !== ip) neighbours.set(neighbour.ip, neighbour);
    const of: Announcing = { since: now, neighbours, unconfirmed: new Set(neighbours.keys()), confirmedAt: undefined, stopped: false };
    this.#announcing.set(ip, of);
    this.#add({ of, at: now, priority: 0, to: 'all', ip, onlyUnconfirmed: false });
    for (const at of this.#timers.broadcastRepeats) this.#add({ of, at: now + at, priority: 1, to: 'all', ip, onlyUnconfirmed: false });
    for (const to of neighbours.values()) {
      this.#add({ of, at: now, priority: 0, to, ip, onlyUnconfirmed: false });
      for (const at of this.#timers.directedRepeats) this.#add({ of, at: now + at, priority: 1, to, ip, onlyUnconfirmed: true });
    }
    this.#addRefreshes(of, ip, now);
  }

  /** Goes on with refreshes only: the neighbours know the way already. */
  resume(ip: string, now: number): void {
    this.stop(ip);
    const of: Announcing = { since: now, neighbours: new Map(), unconfirmed: new Set(), confirmedAt: undefined, stopped: false };
    this.#announcing.set(ip, of);
    this.#addRefreshes(of, ip, now);
  }

  /** Nothing more is sent for `ip`. */
  stop(ip: string): void {
    const of = this.#announcing.get(ip);
    if (of === undefined) return;
    of.stopped = true;
    this.#dirty = true;
    this.#announcing.delete(ip);
  }

  /** One more broadcast now, for a conflict to be defended or an interface that changed. */
  again(ip: string, now: number): void {
    const of = this.#announcing.get(ip);
    if (of !== undefined) this.#add({ of, at: now, priority: 0, to: 'all', ip, onlyUnconfirmed: false });
  }

  /** `neighbour` answered a directed request that came from `ip`. The first answer of all is returned. */
  confirm(ip: string, neighbour: string, now: number): Confirmation | undefined {
    const announcing = this.#announcing.get(ip);
    if (announcing === undefined || !announcing.neighbours.has(neighbour)) return undefined;
    announcing.unconfirmed.delete(neighbour);
    if (announcing.confirmedAt !== undefined) return undefined;
    announcing.confirmedAt = now;
    return { ip, neighbour, afterMs: now - announcing.since };
  }

  /** Neighbours that were told of `ip` and have not confirmed. */
  unconfirmed(ip: string): string[] {
    return [...(this.#announcing.get(ip)?.unconfirmed ?? [])];
  }

  /** Gateways whose MAC is known and who have not confirmed what is announced for longer than `patience` (ms); with the addresses. */
  unconfirmedGateways(patience: number, now: number): Map<string, string[]> {
    const silent = new Map<string, string[]>();
    for (const [ip, { since, unconfirmed }] of this.#announcing) {
      if (unconfirmed.size === 0 || now - since < patience) continue;
      for (const gateway of this.#gatewaysFor(ip)) {
        if (gateway.mac === undefined || !unconfirmed.has(gateway.ip)) continue;
        const addresses = silent.get(gateway.ip);
        if (addresses === undefined) silent.set(gateway.ip, [ip]);
        else addresses.push(ip);
      }
    }
    return silent;
  }

  /** What is due now, within the pace. Call again at `nextDue`. */
  due(now: number): Announcement[] {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAt) * this.#timers.rate) / 1_000);
    this.#filledAt = now;
    this.#settle();
    let count = 0;
    while (count < this.#jobs.length && (this.#jobs[count]?.at ?? 0) <= now) count++;
    if (count === 0) return [];
    const ready = this.#jobs.slice(0, count).sort((a, b) => a.priority - b.priority || a.at - b.at);
    const rest = this.#jobs.slice(count);
    const sent: Announcement[] = [];
    for (const job of ready) {
      if (job.onlyUnconfirmed && typeof job.to === 'object' && !job.of.unconfirmed.has(job.to.ip)) continue;
      if (this.#tokens < 1) {
        rest.push(job);
        continue;
      }
      const announcements = this.#announcementsOf(job);
      this.#tokens -= announcements.length;
      sent.push(...announcements);
      if (job.every !== undefined) rest.push({ ...job, at: now + this.#jitter(job.every) });
    }
    this.#jobs = rest;
    this.#dirty = true;
    return sent;
  }

  /** When `due` has something to send again; undefined when nothing is announced. */
  nextDue(now: number): number | undefined {
    this.#settle();
    const first = this.#jobs[0]?.at;
    if (first === undefined) return undefined;
    return first <= now ? now + Math.ceil(((1 - Math.min(1, this.#tokens)) * 1_000) / this.#timers.rate) : first;
  }

  get #burst(): number {
    return Math.max(1, this.#timers.rate / 10);
  }

  #add(job: Job): void {
    this.#jobs.push(job);
    this.#dirty = true;
  }

  #announcementsOf({ ip, to }: Job): Announcement[] {
    if (to === 'all') return [{ kind: 'gratuitous', ip }];
    const gateways = this.#gatewaysFor(ip);
    const neighbours = to === 'gateways' ? gateways : [gateways.find(gateway => gateway.ip === to.ip) ?? to];
    return neighbours.map(neighbour => ({ kind: 'directed', ip, neighbour }));
  }

  #addRefreshes(of: Announcing, ip: string, now: number): void {
    this.#addRefresh(of, ip, 'all', this.#timers.refreshBroadcast, now);
    this.#addRefresh(of, ip, 'gateways', this.#timers.refreshDirected, now);
  }

  #addRefresh(of: Announcing, ip: string, to: 'all' | 'gateways', every: number, now: number): void {
    this.#add({ of, at: now + this.#jitter(every), priority: 2, to, ip, onlyUnconfirmed: false, every });
  }

  #settle(): void {
    if (!this.#dirty) return;
    this.#jobs = this.#jobs.filter(job => !job.of.stopped).sort((a, b) => a.at - b.at);
    this.#dirty = false;
  }

  #jitter(interval: number): number {
    return interval * (0.9 + 0.2 * this.#random());
  }
}
