import { formatAddress } from '@herald/ip';
import type { Outcome } from './allocator/index.ts';
import type { NodeMode } from './node-mode/index.ts';
import type { Service } from './service-status.ts';
import type { Answer } from './service-writer.ts';

/** What answers are made of. */
interface Sources {
  service: (key: string) => Service | undefined;
  nodeMode: NodeMode;
  /** The allocator's outcome. */
  outcome: (key: string) => Outcome | undefined;
}

/** What Services are given, by whichever mode serves them, and how many have what they asked for. */
export class Answers {
  readonly #sources: Sources;
  /** Services of ours by whether their request is met. */
  readonly #met = new Map<string, boolean>();
  #allocated = 0;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  isNodeMode(key: string): boolean {
    const service = this.#sources.service(key);
    return service !== undefined && this.#sources.nodeMode.isOurs(service);
  }

  of(key: string): Answer | undefined {
    if (this.isNodeMode(key)) return this.#sources.nodeMode.answer(key);
    const outcome = this.#sources.outcome(key);
    if (outcome === undefined) return undefined;
    return { ...outcome, addresses: outcome.addresses.map(({ address }) => formatAddress(address)) };
  }

  /** Counts the Service anew: its answer may have changed. */
  count(key: string): void {
    const satisfied = this.of(key)?.satisfied;
    if (this.#met.get(key) === true) this.#allocated--;
    if (satisfied === true) this.#allocated++;
    if (satisfied === undefined) this.#met.delete(key);
    else this.#met.set(key, satisfied);
  }

  /** Services of ours whose request is met. */
  get allocated(): number {
    return this.#allocated;
  }

  /** Services of ours whose request is not met. */
  get pending(): number {
    return this.#met.size - this.#allocated;
  }
}
