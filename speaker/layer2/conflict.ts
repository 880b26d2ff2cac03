import type { Mac } from './ethernet.ts';

/** A MAC that is no speaker's claims an address that this node announces. */
export interface Conflict {
  ip: string;
  mac: Mac;
  firstSeen: number;
  lastSeen: number;
  /** Frames seen. */
  count: number;
}

/** At most one defence in this time (RFC 5227 §2.4 (b), DEFEND_INTERVAL), ms. */
export const DEFEND_INTERVAL = 10_000;
/** A conflict not seen again for so long is over, ms. */
export const CONFLICT_EXPIRY = 60_000;
/** Strangers remembered per address: a spoofer with random MACs must not fill the memory. */
const STRANGERS = 8;

/** Watches what others say about our addresses. Pure: time is passed in. */
export class ConflictWatch {
  readonly #conflicts = new Map<string, Map<Mac, Conflict>>();
  readonly #defended = new Map<string, number>();

  /**
   * `mac` said that it has `ip`. Answers whether this is news and whether one announcement in defence is due.
   * `ours` are the MACs of all speakers on the segment: two of them meeting on an address is the mesh's business.
   */
  claim(ip: string, mac: Mac, ours: ReadonlySet<Mac>, now: number): { conflict: Conflict; news: boolean; defend: boolean } | undefined {
    if (ours.has(mac)) return undefined;
    const strangers = this.#conflicts.get(ip) ?? new Map<Mac, Conflict>();
    this.#conflicts.set(ip, strangers);
    const known = strangers.get(mac);
    const conflict = known ?? { ip, mac, firstSeen: now, lastSeen: now, count: 0 };
    conflict.lastSeen = now;
    conflict.count += 1;
    if (known === undefined && strangers.size < STRANGERS) strangers.set(mac, conflict);
    const defended = this.#defended.get(ip);
    const defend = defended === undefined || now - defended >= DEFEND_INTERVAL;
    if (defend) this.#defended.set(ip, now);
    return { conflict, news: known === undefined && strangers.has(mac), defend };
  }

  /** Conflicts of `ip` that are not over. */
  current(ip: string, now: number): Conflict[] {
    return [...(this.#conflicts.get(ip)?.values() ?? [])].filter(conflict => now - conflict.lastSeen < CONFLICT_EXPIRY);
  }

  /** Drops what is over; returns the addresses that have no conflict any more. */
  expire(now: number): string[] {
    const over: string[] = [];
    for (const [ip, strangers] of this.#conflicts) {
      for (const [mac, conflict] of strangers) if (now - conflict.lastSeen >= CONFLICT_EXPIRY) strangers.delete(mac);
      if (strangers.size > 0) continue;
      this.#conflicts.delete(ip);
      this.#defended.delete(ip);
      over.push(ip);
    }
    return over;
  }

  /** The address is no longer ours to watch. */
  forget(ip: string): void {
    this.#conflicts.delete(ip);
    this.#defended.delete(ip);
  }
}
