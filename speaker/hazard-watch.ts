import type { Logger } from '@herald/process';
import { hazardsOf, type Surroundings } from './hazards.ts';

/** Settings hardly ever change; reading them is a dozen small files for each interface (ms). */
const INTERVAL = 30_000;

/** Reads the settings of the interfaces in use now and then, and warns of each hazard once. */
export class HazardWatch {
  readonly #logger: Logger;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #names = '';
  #found: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** By interface; those without any are not there. */
  get byInterface(): ReadonlyMap<string, readonly string[]> {
    return this.#found;
  }

  /** Call it often: it looks when it is time, and when the interfaces are others. */
  look(interfaces: readonly string[], surroundings: () => Surroundings, now: number): void {
    const names = interfaces.join();
    if (names === this.#names && now - this.#lookedAt < INTERVAL) return;
    this.#names = names;
    this.#lookedAt = now;
    const around = surroundings();
    const found = new Map(interfaces.map(name => [name, hazardsOf(name, around)] as const).filter(([, hazards]) => hazards.length > 0));
    for (const [name, hazards] of found)
      for (const hazard of hazards) if (this.#found.get(name)?.includes(hazard) !== true) this.#logger.warn({ interface: name }, hazard);
    this.#found = found;
  }
}
