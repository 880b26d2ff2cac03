import { Counter, Gauge, Histogram, type Registry } from '@herald/process';
import type { TakeoverCause } from './mesh/state.ts';
import type { SegmentReport, WireEvent } from './wire/messages.ts';

const CAUSES = [
  'unclaimed',
  'peer-lost',
  'peer-left',
  'peer-restarted',
  'yielded',
  'handover',
  'restored',
] as const satisfies readonly TakeoverCause[];
const COUNTED = ['stalls', 'beaconsLost', 'peersLost', 'duplicates', 'replays', 'rejected', 'sendErrors'] as const;

/** Addresses with a series of their own for the requests answered. */
const ANSWERED = 1_000;

/** The speaker's own figures. */
export class SpeakerMetrics {
  readonly #takeovers: Counter;
  readonly #released: Counter;
  readonly #confirmed: Histogram;
  readonly #owned: Gauge;
  readonly #lameDucks: Gauge;
  readonly #flows: Gauge;
  readonly #lameDuckMoves: Counter;
  readonly #peers: Gauge;
  readonly #held: Gauge;
  readonly #missing: Gauge;
  readonly #snapshotAge: Gauge;
  readonly #answers: Counter;
  readonly #conflicts: Counter;
  readonly #counters: Record<(typeof COUNTED)[number], Counter>;
  /** Last totals of the wire thread per interface, to count differences: its segments come and go. */
  readonly #seen = new Map<string, SegmentReport>();
  /** Addresses, each with its interface, that have a series. */
  readonly #answered = new Set<string>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.#takeovers = new Counter({
      name: 'herald_layer2_takeovers_total',
      help: 'Addresses this node took, by cause.',
      labelNames: ['cause'],
      registers,
    });
    // A counter that appears with its first event shows no increase: whoever alerts on one needs it from the start.
    for (const cause of CAUSES) this.#takeovers.inc({ cause }, 0);
    this.#released = new Counter({
      name: 'herald_layer2_releases_total',
      help: 'Addresses this node gave up, by cause.',
      labelNames: ['cause'],
      registers,
    });
    this.#confirmed = new Histogram({
      name: 'herald_layer2_confirmation_seconds',
      help: 'Time from taking an address to the first answer of a neighbour that was told of it.',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    });
    this.#owned = new Gauge({ name: 'herald_layer2_addresses_owned', help: 'Addresses this node answers for.', registers });
    this.#lameDucks = new Gauge({
      name: 'herald_layer2_moves_draining',
      help: 'Addresses that moved away from this node and still have established connections through it.',
      registers,
    });
    this.#flows = new Gauge({
      name: 'herald_layer2_moves_draining_flows',
      help: 'Established connections that those addresses still have through this node, when they can be counted.',
      registers,
    });
    this.#lameDuckMoves = new Counter({
      name: 'herald_layer2_moves_drained_total',
      help: 'Planned moves of addresses away from this node that are over, by what ended them.',
      labelNames: ['why'],
      registers,
    });
    this.#peers = new Gauge({
      name: 'herald_mesh_peers',
      help: 'Speakers heard that hear this one.',
      labelNames: ['interface'],
      registers,
    });
    this.#held = new Gauge({
      name: 'herald_mesh_held_claims',
      help: 'Addresses of nodes whose speakers are silent while their kernels still answer: held for them.',
      labelNames: ['interface'],
      registers,
    });
    this.#missing = new Gauge({
      name: 'herald_mesh_peers_missing',
      help: 'Ready nodes whose Speaker is on the segment and which have not been heard there for ten seconds.',
      labelNames: ['interface'],
      registers,
    });
    this.#snapshotAge = new Gauge({
      name: 'herald_speaker_snapshot_age_seconds',
      help: 'Age of the configuration on disk that is in use while the API server is away; 0: the configuration is live.',
      registers,
    });
    this.#answers = new Counter({
      name: 'herald_layer2_answers_total',
      help: `ARP and NDP requests answered; the series of an address ends when the node gives it up. Beyond ${ANSWERED} addresses: ip="other".`,
      labelNames: ['ip', 'interface'],
      registers,
    });
    this.#conflicts = new Counter({
      name: 'herald_layer2_conflicts_total',
      help: 'Strangers found on an address: before its first use (probe) or while announcing it.',
      labelNames: ['phase'],
      registers,
    });
    for (const phase of ['probe', 'announcing']) this.#conflicts.inc({ phase }, 0);
    const counter = (name: string, help: string) => new Counter({ name, help, labelNames: ['interface'], registers });
    this.#counters = {
      stalls: counter('herald_mesh_stalls_total', 'Times the packet thread stood still for longer than a beacon interval.'),
      beaconsLost: counter(
        'herald_mesh_beacons_lost_total',
        'Heartbeats of peers that did not arrive in their time, though a later one did.',
      ),
      peersLost: counter('herald_mesh_peers_lost_total', 'Times a peer fell silent for its detection time.'),
      duplicates: counter('herald_layer2_duplicate_owners_total', 'Times another node turned out to own the same address.'),
      replays: counter('herald_mesh_replays_total', 'Heartbeats refused because they were seen before.'),
      rejected: counter('herald_mesh_rejected_total', 'Datagrams refused: other cluster, wrong key, garbage.'),
      sendErrors: counter('herald_layer2_send_errors_total', 'Frames and heartbeats that could not be sent.'),
    };
  }

  event(event: WireEvent): void {
    if (event.kind === 'acquired') this.#takeovers.inc({ cause: event.cause });
    else if (event.kind === 'released') this.#gone(event);
    else if (event.kind === 'confirmed') this.#confirmed.observe(event.afterMs / 1000);
    else if (event.kind === 'conflict') this.#conflicts.inc({ phase: event.phase });
    else if (event.kind === 'lame-duck-over') this.#lameDuckMoves.inc({ why: event.why });
    else if (event.kind === 'report') for (const segment of event.segments) this.#segment(segment);
  }

  owned(count: number): void {
    this.#owned.set(count);
  }

  lameDucks(addresses: number, flows: number): void {
    this.#lameDucks.set(addresses);
    this.#flows.set(flows);
  }

  /** Seconds; 0 while the configuration is live. */
  snapshotAge(seconds: number): void {
    this.#snapshotAge.set(seconds);
  }

  /** Nodes that ought to be heard and are not, by interface. */
  missingPeers(byInterface: ReadonlyMap<string, readonly string[]>): void {
    for (const name of this.#seen.keys()) this.#missing.set({ interface: name }, byInterface.get(name)?.length ?? 0);
  }

  #segment(report: SegmentReport): void {
    const labels = { interface: report.interface };
    const before = this.#seen.get(report.interface);
    this.#seen.set(report.interface, report);
    this.#peers.set(labels, report.peersHeard.length);
    this.#held.set(labels, report.held);
    for (const name of COUNTED) {
      const more = report[name] - (before?.[name] ?? 0);
      this.#counters[name].inc(labels, more >= 0 ? more : report[name]);
    }
    for (const { ip, count } of report.answers)
      this.#answers.inc({ ip: this.#label(ip, report.interface), interface: report.interface }, count);
  }

  #label(ip: string, name: string): string {
    const key = `${ip} ${name}`;
    if (!this.#answered.has(key) && this.#answered.size >= ANSWERED) return 'other';
    this.#answered.add(key);
    return ip;
  }

  #gone({ ip, interface: name, cause }: WireEvent & { kind: 'released' }): void {
    this.#released.inc({ cause });
    if (this.#answered.delete(`${ip} ${name}`)) this.#answers.remove({ ip, interface: name });
  }
}
