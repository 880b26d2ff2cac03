import type { Clock } from '@herald/kube';
import type { Logger } from '@herald/process';
import { FlowCounter, type FlowTable } from './flows.ts';

/** Between two counts (ms), and how much longer than a count itself it is at least: tables may hold a million flows. */
const COUNT_INTERVAL = 1_000;
/** Moves begin together; they are counted together (ms). */
const FIRST_COUNT = 200;
const COUNT_FACTOR = 20;
/** Past the time of a move (ms): it is no move any more. */
const OVERDUE = 5_000;

/** An address that moved away from this node gently, on one segment. */
export interface LameDuck {
  ip: string;
  segment: string;
  /** The new owner. */
  to: string;
  /** Wall clock, ms. */
  since: number;
  until: number;
}

export interface LameDucksOptions {
  clock: Clock;
  logger: Logger;
  /** `off`: only time ends the moves. */
  table?: FlowTable | 'off' | undefined;
  /** Flows of each address that is watched. */
  onCounts: (counts: readonly { ip: string; flows: number }[]) => void;
}

/** The gentle moves away from this node, and how many established connections each still has. Counts only while there are any. */
export class LameDucks {
  readonly #options: LameDucksOptions;
  readonly #counter: FlowCounter | undefined;
  readonly #ducks = new Map<string, LameDuck>();
  readonly #flows = new Map<string, number>();
  #timer: ReturnType<Clock['after']> | undefined;
  /** Why flows cannot be counted; said once. */
  problem: string | undefined;

  constructor(options: LameDucksOptions) {
    this.#options = options;
    const { table } = options;
    this.#counter = table === 'off' ? undefined : new FlowCounter(table);
  }

  get all(): LameDuck[] {
    const now = this.#options.clock.wall();
    // The wire thread ends a move in time. One that it can end no more must not be counted for ever.
    for (const { ip, segment, until } of this.#ducks.values()) if (now >= until + OVERDUE) this.end(ip, segment);
    return [...this.#ducks.values()];
  }

  /** Established connections through this node, of all addresses together; undefined: not known. */
  get flows(): number | undefined {
    return this.#flows.size === 0 ? undefined : [...this.#flows.values()].reduce((sum, flows) => sum + flows, 0);
  }

  flowsOf(ip: string): number | undefined {
    return this.#flows.get(ip);
  }

  byAddress(): Map<string, LameDuck[]> {
    const ducks = new Map<string, LameDuck[]>();
    for (const duck of this.all) ducks.set(duck.ip, [...(ducks.get(duck.ip) ?? []), duck]);
    return ducks;
  }

  begin(duck: LameDuck): void {
    this.#ducks.set(`${duck.ip} ${duck.segment}`, duck);
    if (this.#counter !== undefined)
      this.#timer ??= this.#options.clock.after(FIRST_COUNT, () => this.#count(this.#counter as FlowCounter));
  }

  end(ip: string, segment: string): void {
    this.#ducks.delete(`${ip} ${segment}`);
    if (![...this.#ducks.values()].some(duck => duck.ip === ip)) this.#flows.delete(ip);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #count(counter: FlowCounter): void {
    this.#timer = undefined;
    const ips = [...new Set(this.all.map(({ ip }) => ip))];
    if (ips.length === 0) return;
    const { clock, onCounts } = this.#options;
    const began = clock.now();
    try {
      const counts = counter.count(ips, began);
      if (counts === undefined) return this.#cannot('the kernel of this node tracks no connection');
      this.problem = undefined;
      for (const [ip, flows] of counts) this.#flows.set(ip, flows);
      onCounts([...counts].map(([ip, flows]) => ({ ip, flows })));
    } catch (error) {
      this.#cannot(error instanceof Error ? error.message : String(error));
      return;
    }
    const pause = Math.max(COUNT_INTERVAL, COUNT_FACTOR * (clock.now() - began));
    if (this.#ducks.size > 0) this.#timer ??= clock.after(pause, () => this.#count(counter));
  }

  #cannot(why: string): void {
    this.#flows.clear();
    if (this.problem === undefined) {
      this.#options.logger.warn(
        { because: why },
        'established connections cannot be counted (NET_ADMIN and connection tracking are needed): planned moves last for their whole time',
      );
    }
    this.problem = why;
    if (this.#ducks.size > 0)
      this.#timer ??= this.#options.clock.after(10 * COUNT_INTERVAL, () => this.#count(this.#counter as FlowCounter));
  }
}
