import { barLine, stateLines } from './lines.ts';
import type { MoveState } from './progress.ts';

/** Where progress is shown: on a terminal a block that is drawn over itself, elsewhere a line whenever something changed. */
export interface Screen {
  show(states: readonly MoveState[], elapsedMs: number): void;
  /** After this, other text may be written. */
  end(): void;
}

export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  rows?: number;
}

export function screenFor(output: Output): Screen {
  return output.isTTY === true ? new Terminal(output) : new Plain(output);
}

class Plain implements Screen {
  readonly #output: Output;
  readonly #shown = new Map<string, string>();

  constructor(output: Output) {
    this.#output = output;
  }

  show(states: readonly MoveState[]): void {
    for (const [index, line] of stateLines(states).entries()) {
      const state = states[index];
      // Every count of flows would be too much for a log: only what happens to an address is told, and the first count.
      const key = `${state?.move.ip} ${state?.move.protocol} ${state?.move.segment}`;
      const now = `${state?.phase} ${state?.owner} ${state?.flows !== undefined}`;
      if (state?.phase === 'waiting' || this.#shown.get(key) === now) continue;
      this.#shown.set(key, now);
      this.#output.write(`${line}\n`);
    }
  }

  end(): void {
    this.#shown.clear();
  }
}

class Terminal implements Screen {
  readonly #output: Output;
  #height = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  show(states: readonly MoveState[], elapsedMs: number): void {
    const room = Math.max(1, (this.#output.rows ?? 24) - 3);
    // What is under way is worth more than what is over, where not everything fits.
    const order = [...states].sort((a, b) => rank(a) - rank(b));
    const shown = states.length <= room ? states : order.slice(0, room - 1);
    const lines = stateLines(shown);
    if (shown.length < states.length) lines.push(`… and ${states.length - shown.length} more`);
    lines.push(barLine(states, elapsedMs));
    const up = this.#height === 0 ? '' : `\u001b[${this.#height}A`;
    this.#output.write(`${up}${lines.map(line => `\u001b[2K${line}\n`).join('')}\u001b[J`);
    this.#height = lines.length;
  }

  end(): void {
    this.#height = 0;
  }
}

function rank({ phase }: MoveState): number {
  return { draining: 0, waiting: 1, gone: 2, done: 3 }[phase];
}
