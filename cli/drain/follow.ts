import { type Client, type Clock, Informer, nodes } from '@herald/kube';
import type { ClusterView, NodeObject } from './cluster-view.ts';
import type { Move } from './moves.ts';
import { type MoveState, progress } from './progress.ts';
import { announcements, speakers } from './resources.ts';

export interface FollowOptions {
  client: Client;
  moves: readonly Move[];
  /** How long established flows are waited for (ms): nothing has to happen for so long while they end. */
  drainMs: number;
  /** Beside the drain time: for the controller to plan, the speakers to hand over, and their reports to arrive; default 30,000 ms. */
  patienceMs?: number;
  signal: AbortSignal;
  onState: (states: readonly MoveState[], elapsedMs: number) => void;
}

export interface Followed {
  /** `stuck`: nothing changed for the drain time and the patience. */
  end: 'done' | 'stuck' | 'interrupted';
  states: readonly MoveState[];
  /** Moves whose drain time was over while flows were left: those connections were cut. */
  cut: readonly MoveState[];
  /** Why it is not known how far the moves are: the API server cannot be read. */
  problem?: string | undefined;
}

const PATIENCE = 30_000;
/** Progress is shown so often although nothing changed (ms). */
const REDRAW = 1_000;
/** Reports of flows come so late at most (ms). */
const REPORT_DELAY = 2_500;

export async function readCluster(client: Client, signal?: AbortSignal): Promise<ClusterView> {
  const [a, s, n] = await Promise.all([
    client.listAll(announcements, { signal }),
    client.listAll(speakers, { signal }),
    client.listAll<NodeObject>(nodes, { signal }),
  ]);
  return { announcements: a.items, speakers: s.items, nodes: n.items };
}

/** Watches the moves until all are over, also while the API server is away: they go on without it. */
export async function follow(options: FollowOptions): Promise<Followed> {
  const { client, moves, drainMs, patienceMs = PATIENCE, signal, onState } = options;
  const { clock } = client;
  const watched = new WatchedCluster(client);
  const started = clock.now();
  const cuts = new Cuts();
  let states: readonly MoveState[] = moves.map(move => ({ move, phase: 'waiting', owner: move.from, flows: undefined }));
  let phases = '';
  let changedAt = started;
  try {
    watched.start();
    for (;;) {
      if (watched.hasSynced) states = progress(moves, watched.view());
      cuts.note(states, clock.wall());
      onState(states, clock.now() - started);
      if (states.every(({ phase }) => phase === 'done' || phase === 'gone')) return { end: 'done', states, cut: cuts.of(states) };
      const now = states.map(({ phase }) => phase).join();
      if (now !== phases) changedAt = clock.now();
      phases = now;
      if (signal.aborted) return { end: 'interrupted', states, cut: [] };
      if (clock.now() - changedAt > drainMs + patienceMs) return { end: 'stuck', states, cut: cuts.of(states), problem: watched.problem };
      await watched.changed(clock, REDRAW, signal);
    }
  } finally {
    await watched.stop();
  }
}

/** Finds out which moves ended because their time was over, by the last count of flows before. */
class Cuts {
  readonly #last = new Map<Move, { until: number; flows: number }>();

  /** @param now wall clock, ms since the epoch */
  note(states: readonly MoveState[], now: number): void {
    for (const { move, phase, flows = 0, until = Number.POSITIVE_INFINITY } of states) {
      if (phase === 'draining') this.#last.set(move, { until, flows });
      else if (now < (this.#last.get(move)?.until ?? 0) - REPORT_DELAY) this.#last.delete(move);
    }
  }

  of(states: readonly MoveState[]): MoveState[] {
    return states.flatMap(state => {
      const flows = this.#last.get(state.move)?.flows ?? 0;
      return state.phase === 'done' && flows > 0 ? [{ ...state, flows }] : [];
    });
  }
}

class WatchedCluster {
  readonly #announcements;
  readonly #speakers;
  readonly #nodes;
  readonly #all: readonly Pick<Informer<NodeObject>, 'start' | 'stop' | 'hasSynced' | 'lastError'>[];
  #wake: () => void = () => undefined;

  constructor(client: Client) {
    this.#announcements = new Informer(client, announcements);
    this.#speakers = new Informer(client, speakers);
    this.#nodes = new Informer<NodeObject>(client, nodes);
    this.#all = [this.#announcements, this.#speakers, this.#nodes];
    for (const informer of [this.#announcements, this.#speakers, this.#nodes]) informer.on(() => this.#wake());
  }

  start(): void {
    for (const informer of this.#all) informer.start();
  }

  get hasSynced(): boolean {
    return this.#all.every(informer => informer.hasSynced);
  }

  /** Why an informer is behind; undefined: none is. */
  get problem(): string | undefined {
    return this.#all.find(informer => informer.lastError !== undefined)?.lastError?.message;
  }

  view(): ClusterView {
    return { announcements: this.#announcements.list(), speakers: this.#speakers.list(), nodes: this.#nodes.list() };
  }

  /** Resolves when something changed, `ms` later, or when `signal` aborts. */
  async changed(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>(resolve => {
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', done);
        this.#wake = () => undefined;
        resolve();
      };
      const timer = clock.after(ms, done);
      this.#wake = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map(async informer => informer.stop()));
  }
}
