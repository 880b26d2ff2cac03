import type { Speaker } from '@herald/crds';
import { cidrRange, parseCidr, type Range, rangeContains, tryParseAddress } from '@herald/ip';
import type { SegmentReport } from './wire/messages.ts';

/** A peer unheard for so long is looked into (ms): restarts and rollouts are over sooner. */
const PATIENCE = 10_000;
/** What a Speaker object said is believed for so long (ms). */
const BELIEVED = 60_000;
/** Speaker objects asked for at once, and at most listed of a segment. */
const ASKED = 16;
const LISTED = 64;

/** Another node of the cluster, by its Node object. */
export interface KnownNode {
  name: string;
  ready: boolean;
  addresses: readonly string[];
}

export interface MissingPeersOptions {
  /** Reads the Speaker object of a node; undefined: it has none. */
  speaker: (node: string) => Promise<Speaker | undefined>;
  /** ms, monotonic. */
  now: () => number;
}

/**
 * Nodes that ought to be heard on a segment and are not: a ready node with an address in the segment, or heard on another segment of this
 * node, whose Speaker object says that its speaker is there. That object is read only once the node has been unheard for a while.
 */
export class MissingPeers {
  readonly #options: MissingPeersOptions;
  /** Since when each is unheard, by interface and node. */
  #since = new Map<string, number>();
  readonly #answers = new Map<string, { speaker: Speaker | undefined; at: number }>();
  #asking = false;
  #missing: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(options: MissingPeersOptions) {
    this.#options = options;
  }

  /** Names by interface, sorted; an interface without any is not there. */
  get byInterface(): ReadonlyMap<string, readonly string[]> {
    return this.#missing;
  }

  /** Call it with every report. Never fails: what cannot be read keeps what was known. */
  async look(segments: readonly SegmentReport[], nodes: readonly KnownNode[]): Promise<void> {
    const now = this.#options.now();
    const since = new Map<string, number>();
    const overdue: { segment: SegmentReport; node: string }[] = [];
    for (const segment of segments) {
      if (!segment.carrier || segment.listening) continue;
      for (const { name } of unheard(segment, segments, nodes)) {
        const key = `${segment.interface} ${name}`;
        const from = this.#since.get(key) ?? now;
        since.set(key, from);
        if (now - from >= PATIENCE) overdue.push({ segment, node: name });
      }
    }
    this.#since = since;
    await this.#ask([...new Set(overdue.map(({ node }) => node))], now);
    const missing = new Map<string, string[]>();
    for (const { segment, node } of overdue) {
      // Heard meanwhile, or no longer in question: a later look knows.
      const names = missing.get(segment.interface) ?? [];
      if (names.length < LISTED && runsOn(this.#answers.get(node)?.speaker, segment))
        missing.set(segment.interface, [...names, node].sort());
    }
    this.#missing = missing;
  }

  async #ask(nodes: readonly string[], now: number): Promise<void> {
    for (const node of this.#answers.keys()) if (!nodes.includes(node)) this.#answers.delete(node);
    const due = nodes.filter(node => now - (this.#answers.get(node)?.at ?? Number.NEGATIVE_INFINITY) >= BELIEVED).slice(0, ASKED);
    if (this.#asking || due.length === 0) return;
    this.#asking = true;
    await Promise.all(
      due.map(async node => {
        try {
          this.#answers.set(node, { speaker: await this.#options.speaker(node), at: now });
        } catch {
          // The API server is away: what was known before holds, and it is asked again as late as after an answer.
          this.#answers.set(node, { speaker: this.#answers.get(node)?.speaker, at: now });
        }
      }),
    );
    this.#asking = false;
  }
}

/** Ready nodes that are not heard on the segment, although they should be there. */
function unheard(segment: SegmentReport, all: readonly SegmentReport[], nodes: readonly KnownNode[]): KnownNode[] {
  const heard = new Set(segment.peersHeard);
  const elsewhere = new Set(all.flatMap(({ peersHeard }) => peersHeard));
  const subnets = subnetsOf(segment.addresses);
  return nodes.filter(
    ({ name, ready, addresses }) =>
      ready && !heard.has(name) && (elsewhere.has(name) || addresses.some(address => inAny(subnets, address))),
  );
}

/** The speaker says that it has an interface with a link and an address in one of the subnets. */
function runsOn(speaker: Speaker | undefined, segment: SegmentReport): boolean {
  const subnets = subnetsOf(segment.addresses);
  return (speaker?.status?.segments ?? []).some(
    ({ carrier, addresses = [] }) => carrier && addresses.some(cidr => inAny(subnets, cidr.replace(/\/.*$/, ''))),
  );
}

/** Link-local subnets are everywhere, and prove nothing. */
function subnetsOf(addresses: readonly string[]): Range[] {
  return addresses.filter(cidr => !cidr.startsWith('fe80:')).map(cidr => cidrRange(parseCidr(cidr, { hostBits: 'mask' })));
}

/** An address that cannot be read is in none. */
function inAny(subnets: readonly Range[], text: string): boolean {
  const address = tryParseAddress(text);
  return address !== undefined && subnets.some(subnet => rangeContains(subnet, address));
}
