import { AttributeType } from './codec/attribute/codec.ts';
import { findAttribute } from './codec/attribute/index.ts';
import { AFI_IPV4 } from './codec/family.ts';
import { type Prefix, prefixKey } from './codec/prefix.ts';
import { type DecodedUpdate, strongestHandling } from './codec/update.ts';
import { count, type PeerCounters } from './status.ts';

/**
 * Counts what a peer announces; nothing of it is kept, installed or passed on. Only with a limit are the distinct
 * prefixes remembered, and never more of them than the limit.
 */
export class ReceivedRoutes {
  readonly #counters: PeerCounters;
  readonly #known = new Set<string>();

  constructor(counters: PeerCounters) {
    this.#counters = counters;
  }

  /** Takes note of an UPDATE. Returns false when the peer has passed `limit`. */
  update(update: DecodedUpdate, limit: number | undefined): boolean {
    const reach = findAttribute(update.attributes, AttributeType.MP_REACH_NLRI);
    const unreach = findAttribute(update.attributes, AttributeType.MP_UNREACH_NLRI);
    const counters = this.#counters;
    const handling = strongestHandling(update.problems);
    if (handling) count(counters.malformed, handling);
    counters.prefixesReceived += update.nlri.length + (reach?.nlri.length ?? 0);
    counters.prefixesWithdrawn += update.withdrawn.length + (unreach?.withdrawn.length ?? 0);
    if (limit === undefined) return true;
    this.#remove(AFI_IPV4, update.withdrawn);
    if (unreach) this.#remove(unreach.afi, unreach.withdrawn);
    const add = handling === 'treat-as-withdraw' ? this.#removeAll : this.#addUpTo(limit);
    return add(AFI_IPV4, update.nlri) && (!reach || add(reach.afi, reach.nlri));
  }

  readonly #removeAll = (afi: number, prefixes: readonly Prefix[]): boolean => {
    this.#remove(afi, prefixes);
    return true;
  };

  #remove(afi: number, prefixes: readonly Prefix[]): void {
    for (const prefix of prefixes) this.#known.delete(prefixKey(afi, prefix));
  }

  #addUpTo(limit: number): (afi: number, prefixes: readonly Prefix[]) => boolean {
    return (afi, prefixes) => {
      for (const prefix of prefixes) {
        this.#known.add(prefixKey(afi, prefix));
        if (this.#known.size > limit) return false;
      }
      return true;
    };
  }
}
