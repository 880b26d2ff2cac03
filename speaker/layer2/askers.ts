import type { Neighbour } from './announcer.ts';
import type { Mac } from './ethernet.ts';

/** Askers remembered per address. */
export const ASKERS = 16;

/**
 * Who asked for an address lately. Requests are broadcast, so every speaker on the segment learns the same askers, and whoever
 * takes an address over knows whom to tell first. Bounded: addresses by the caller's table, askers by recency.
 */
export class Askers {
  readonly #byAddress = new Map<string, Map<string, Mac>>();

  note(ip: string, asker: string, mac: Mac): void {
    const askers = this.#byAddress.get(ip) ?? new Map<string, Mac>();
    this.#byAddress.set(ip, askers);
    askers.delete(asker);
    askers.set(asker, mac);
    if (askers.size <= ASKERS) return;
    const oldest = askers.keys().next();
    if (oldest.done !== true) askers.delete(oldest.value);
  }

  /** Latest first. */
  of(ip: string): Neighbour[] {
    return [...(this.#byAddress.get(ip) ?? [])].map(([asker, mac]) => ({ ip: asker, mac })).reverse();
  }

  forget(ip: string): void {
    this.#byAddress.delete(ip);
  }
}
