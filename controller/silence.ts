import type { AnnouncementReason } from '@herald/crds';
import type { Clock } from '@herald/kube';

/** What is over sooner is not told (ms): a speaker that restarts or a session that comes back would be two writes for each address. */
const LASTING = 2_000;

/** Why addresses that are planned are announced by nobody, as far as it lasts. */
export class Silence {
  readonly #clock: Clock;
  /** Since when each reason holds, by the key of the Service. */
  readonly #since = new Map<string, ReadonlyMap<string, number>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param now the reasons that hold now
   * @param told those that the Announcement tells: after a change of leader they need not last anew
   * @returns what to tell, and in how many milliseconds to look again
   */
  lasting(
    key: string,
    now: readonly AnnouncementReason[],
    told: readonly AnnouncementReason[] = [],
  ): { reasons: readonly AnnouncementReason[]; again: number | undefined } {
    const before = this.#since.get(key);
    const old = new Set(told.map(idOf));
    const time = this.#clock.now();
    const since = new Map(now.map(idOf).map(id => [id, before?.get(id) ?? (old.has(id) ? time - LASTING : time)]));
    if (since.size === 0) this.#since.delete(key);
    else this.#since.set(key, since);
    const left = (reason: AnnouncementReason): number => (since.get(idOf(reason)) ?? time) + LASTING - time;
    const waits = now.map(left).filter(ms => ms > 0);
    return { reasons: now.filter(reason => left(reason) <= 0), again: waits.length === 0 ? undefined : Math.min(...waits) };
  }

  /** The Service has no Announcement any more. */
  forget(key: string): void {
    this.#since.delete(key);
  }
}

function idOf({ ip, reason }: AnnouncementReason): string {
  return `${ip ?? ''} ${reason}`;
}
