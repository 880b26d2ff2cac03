import { segmentIdOf } from '../../mesh/authentication.ts';

/** Subnets of one interface that are told of. */
const LIMIT = 8;
/** Addresses that are remembered: more than there are speakers on any segment. */
const MEMORY = 8_192;

/**
 * Which segment the packets of this node say that they belong to. Nodes on one LAN need not have the same first subnet: one has both
 * families, another has lost its IPv4 lease. So whoever is not known yet is told of every subnet, and a peer of the one it uses itself.
 */
export class SegmentIds {
  #own: readonly bigint[] = [];
  readonly #used = new Map<string, bigint>();

  /** @param name of the segment: its first subnet, or the interface's name without one */
  setSubnets(name: string, subnets: readonly string[]): void {
    this.#own = [...new Set([name, ...subnets])].map(segmentIdOf);
    for (const [address, id] of this.#used) if (!this.#own.includes(id)) this.#used.delete(address);
  }

  /** Those that packets for this node may have. */
  get accepted(): readonly bigint[] {
    return this.#own;
  }

  /** A packet from `address` had this one, of those that are accepted. */
  heard(address: string, id: bigint): void {
    if (this.#used.size >= MEMORY && !this.#used.has(address)) this.#used.clear();
    this.#used.set(address, id);
  }

  /** Those to send a packet with, each once. */
  for(to: { address: string } | 'group'): readonly bigint[] {
    const used = to === 'group' ? undefined : this.#used.get(to.address);
    return used === undefined ? this.#own.slice(0, LIMIT) : [used];
  }
}
