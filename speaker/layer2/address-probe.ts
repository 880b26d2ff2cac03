import type { Mac } from './ethernet.ts';

export interface ProbeTimers {
  /** Probes sent. */
  count: number;
  /** ms between two probes, and from the last to the verdict. */
  interval: number;
}

/**
 * Much shorter than RFC 5227's 4–7 s: a service address comes from a range that an administrator set aside, any host that is
 * awake answers within a millisecond, and a client waits for us. What sleeps through it is found while announcing.
 */
export const PROBE_TIMERS: ProbeTimers = { count: 3, interval: 20 };

interface Probing {
  sent: number;
  next: number;
}

/** What the probes found: free, or in use by a stranger. */
export interface Verdict {
  ip: string;
  stranger?: Mac;
}

/** Asks for an address before its first use (RFC 5227 §2.1, RFC 4862 §5.4), never on failover. Pure: time is passed in. */
export class AddressProbe {
  readonly #timers: ProbeTimers;
  readonly #probing = new Map<string, Probing>();

  constructor(timers: ProbeTimers = PROBE_TIMERS) {
    this.#timers = timers;
  }

  start(ip: string, now: number): void {
    if (!this.#probing.has(ip)) this.#probing.set(ip, { sent: 0, next: now });
  }

  cancel(ip: string): void {
    this.#probing.delete(ip);
  }

  has(ip: string): boolean {
    return this.#probing.has(ip);
  }

  /** `mac` says that it has `ip`, or probes for it itself. Ends the probe when one runs. */
  heard(ip: string, mac: Mac, ours: ReadonlySet<Mac>): Verdict | undefined {
    if (ours.has(mac) || !this.#probing.delete(ip)) return undefined;
    return { ip, stranger: mac };
  }

  /** Addresses to probe for now, and verdicts reached. */
  due(now: number): { send: string[]; done: Verdict[] } {
    const send: string[] = [];
    const done: Verdict[] = [];
    for (const [ip, probing] of this.#probing) {
      if (now < probing.next) continue;
      if (probing.sent >= this.#timers.count) {
        this.#probing.delete(ip);
        done.push({ ip });
        continue;
      }
      probing.sent += 1;
      probing.next = now + this.#timers.interval;
      send.push(ip);
    }
    return { send, done };
  }

  nextDue(): number | undefined {
    let next: number | undefined;
    for (const probing of this.#probing.values()) next = next === undefined ? probing.next : Math.min(next, probing.next);
    return next;
  }
}
