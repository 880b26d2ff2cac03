import type { Announcement, AnnouncementSpec, Speaker } from '@herald/crds';
import { type Address, tryParseAddress } from '@herald/ip';
import type { Clock, Timer } from '@herald/kube';
import { type Stranger, strangersOn } from './strangers.ts';

export interface ConflictsOptions {
  clock: Clock;
  /** How long an address is shunned after a stranger was last reported on it (ms); 0: no Service ever loses one for that. */
  quarantineMs: number;
  speakers: () => readonly Speaker[];
  /** Keys of the Services that hold an address. */
  holders: (address: Address) => readonly string[];
  /** What shall be announced for a Service. */
  planned: (key: string) => AnnouncementSpec | null;
  announcement: (key: string) => Announcement | undefined;
  /**
   * Whether the address was given out in this term, and not announced since. One that a Service held before may be in use: by clients, and by
   * whom it had it from.
   */
  isNew: (address: Address) => boolean;
  /** Tells the allocator that an address is to be shunned until then (ms since the epoch), and because of whom. */
  shun: (address: Address, until: number, stranger: string) => void;
  /** A stranger was found that was not known. */
  onFound: (stranger: Stranger) => void;
}

/**
 * What the speakers report of other machines on addresses of Services, handed on to the allocator. Only an address that was refused
 * before its first use is shunned: no client knows it yet. One that is announced is defended where it is, and stays; so does one that the
 * Service brought along, which another load balancer may still answer for.
 */
export class Conflicts {
  readonly #options: ConflictsOptions;
  /** Strangers there are, by address, MAC address and phase. */
  #known = new Set<string>();
  /** Until when the allocator was told to shun an address. */
  readonly #until = new Map<string, number>();
  /** Whether any speaker reports anything at all; true while that is not known. */
  #reported = true;
  #scheduled: NodeJS.Immediate | undefined;
  #renewal: Timer | undefined;
  #stopped = false;

  constructor(options: ConflictsOptions) {
    this.#options = options;
  }

  /** The reports of the speakers changed. */
  changed(): void {
    this.#reported = true;
    this.touched();
  }

  /** Who holds or announces an address changed, which costs nothing where there is no stranger. */
  touched(): void {
    if (this.#reported && !this.#stopped) this.#scheduled ??= setImmediate(() => this.look());
  }

  stop(): void {
    this.#stopped = true;
    clearImmediate(this.#scheduled);
    this.#renewal?.cancel();
  }

  /** Looks at all reports now. */
  look(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#stopped) return;
    const { quarantineMs, clock, onFound } = this.#options;
    const speakers = this.#options.speakers().filter(({ status }) => (status?.conflicts ?? []).length > 0);
    this.#reported = speakers.length > 0;
    const known = new Set<string>();
    const refused = new Map<string, { address: Address; stranger: Stranger }>();
    for (const { address, holders, strangers } of this.#found(speakers)) {
      for (const stranger of strangers) {
        const id = `${stranger.ip} ${stranger.mac} ${stranger.phase}`;
        if (!this.#known.has(id) && !known.has(id)) onFound(stranger);
        known.add(id);
      }
      const [first] = strangers;
      if (first === undefined || !this.#options.isNew(address)) continue;
      if (strangers.every(({ phase }) => phase === 'Probe') && !this.#isAnnounced(first.ip, holders))
        refused.set(first.ip, { address, stranger: first });
    }
    this.#known = known;
    if (quarantineMs > 0) this.#shun(refused, clock.wall());
  }

  /** Addresses with strangers on them that Services hold. Any other report is about to go away. */
  #found(speakers: readonly Speaker[]): { address: Address; holders: readonly string[]; strangers: Stranger[] }[] {
    const { holders: holdersOf, planned } = this.#options;
    const ips = new Set(speakers.flatMap(({ status }) => (status?.conflicts ?? []).map(({ ip }) => ip)));
    return [...ips].flatMap(ip => {
      const address = tryParseAddress(ip);
      if (address === undefined) return [];
      const holders = holdersOf(address);
      const plans = holders.flatMap(key => planned(key)?.addresses.filter(each => each.ip === ip) ?? []);
      const strangers = new Map(
        plans.flatMap(plan => strangersOn(plan, speakers).map(found => [`${found.node} ${found.interface}`, found] as const)),
      );
      return strangers.size === 0 ? [] : [{ address, holders, strangers: [...strangers.values()] }];
    });
  }

  #isAnnounced(ip: string, holders: readonly string[]): boolean {
    return holders.some(key => this.#options.announcement(key)?.status?.owners?.some(owner => owner.ip === ip) === true);
  }

  /** The time runs from the last report on, so it is told again in good time while a stranger stays. */
  #shun(refused: ReadonlyMap<string, { address: Address; stranger: Stranger }>, now: number): void {
    const { quarantineMs, clock, shun } = this.#options;
    for (const [ip, until] of this.#until) if (until <= now) this.#until.delete(ip);
    for (const [ip, { address, stranger }] of refused) {
      if ((this.#until.get(ip) ?? 0) - now > quarantineMs * 0.75) continue;
      this.#until.set(ip, now + quarantineMs);
      shun(address, now + quarantineMs, `${stranger.mac} on interface ${stranger.interface} of node ${stranger.node}`);
    }
    this.#renewal?.cancel();
    this.#renewal = refused.size === 0 ? undefined : clock.after(Math.max(100, quarantineMs / 2), () => this.look());
  }
}
