import type { Simulation, SimulationOptions } from '../simulator.ts';

export interface Scenario {
  name: string;
  options?: Partial<SimulationOptions>;
  /** `second` is another segment of the same nodes, where `segments` is set. */
  run: (simulation: Simulation, second: Simulation) => void;
  /** The nodes have two interfaces, on two segments. */
  segments?: true;
  /** ms without an owner where clients are, at most. */
  gap: number;
  /** ms with two owners where clients meet both, at most. */
  dual: number;
  /** Changes of owner, at most. */
  takeovers: number;
  /** Gratuitous announcements, at most. */
  announced?: number;
  /** Of the seeds asked for no more than this, where a run takes seconds. */
  seeds?: number;
}

/** The nodes of the second half. */
export function halves({ nodes }: Simulation): number[] {
  return nodes.slice(nodes.length / 2).map(node => node.index);
}

export function cut(simulation: Simulation, index: number, duration: number): void {
  simulation.split([index]);
  simulation.run(duration);
  simulation.heal();
}
