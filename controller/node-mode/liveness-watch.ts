import type { Speaker } from '@herald/crds';
import type { Clock, Timer } from '@herald/kube';
import { affirmedNodes, deadNodes } from './liveness.ts';

/**
 * How long a contradiction has to last before a node counts as dead (ms): a living node has written by then that it lost the other, too,
 * because speakers look for something to say every second.
 */
const patience = 2_000;

/** Follows who is dead. Costs no write of its own: speakers report whom they hear anyway, once for each node lost. */
export class LivenessWatch {
  readonly #clock: Clock;
  readonly #speakers: () => readonly Speaker[];
  readonly #onChange: () => void;
  /** Since when each is thought dead. */
  readonly #since = new Map<string, number>();
  #affirmed: ReadonlySet<string> = new Set();
  #timer: Timer | undefined;

  constructor(clock: Clock, speakers: () => readonly Speaker[], onChange: () => void) {
    this.#clock = clock;
    this.#speakers = speakers;
    this.#onChange = onChange;
  }

  /** Every Speaker is known. What contradicts at that time has done so for long: a new leader must not list the dead for a moment. */
  begin(): void {
    this.#since.clear();
    for (const node of deadNodes(this.#speakers())) this.#since.set(node, this.#clock.now() - patience);
    this.update();
  }

  /** A speaker wrote something new. */
  update(): void {
    const now = this.#clock.now();
    const before = this.#text();
    const speakers = this.#speakers();
    const dead = deadNodes(speakers);
    this.#affirmed = affirmedNodes(speakers, dead);
    for (const node of this.#since.keys()) if (!dead.has(node)) this.#since.delete(node);
    for (const node of dead) if (!this.#since.has(node)) this.#since.set(node, now);
    this.#timer?.cancel();
    const waiting = [...this.#since.values()].map(since => since + patience - now).filter(due => due > 0);
    this.#timer = waiting.length === 0 ? undefined : this.#clock.after(Math.min(...waiting), () => this.update());
    if (this.#text() !== before || waiting.length === 0) this.#onChange();
  }

  /** Whether a node is to be listed. Not being Ready is no death while another node hears it: then only its kubelet is in trouble. */
  alive(node: string, ready: boolean): boolean {
    const since = this.#since.get(node);
    if (since !== undefined && this.#clock.now() - since >= patience) return false;
    return ready || this.#affirmed.has(node);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #text(): string {
    return `${[...this.#since.keys()].sort().join()} ${[...this.#affirmed].sort().join()}`;
  }
}
