import type { Simulation } from '../simulator.ts';
import type { Scenario } from './scenario.ts';

/** The first node was away and is back; measured from here. */
function returned(simulation: Simulation): void {
  simulation.crash(simulation.node(0));
  simulation.run(2_000);
  simulation.boot(simulation.node(0));
  simulation.run(2_000);
  simulation.observer.reset();
}

export const PREEMPTION: readonly Scenario[] = [
  {
    name: 'a node returns and a rebalance gives it its addresses back',
    run: s => {
      returned(s);
      s.rebalance();
    },
    gap: 0,
    dual: 5,
    takeovers: 12,
  },
  {
    name: 'a rebalance with 5 % loss',
    options: { loss: 0.05 },
    run: s => {
      returned(s);
      s.rebalance();
    },
    gap: 5,
    dual: 150,
    takeovers: 18,
  },
  {
    name: 'the preferred node dies in the middle of a rebalance',
    run: s => {
      returned(s);
      s.rebalance();
      s.run(60);
      s.crash(s.node(0));
    },
    gap: 550,
    dual: 5,
    takeovers: 18,
  },
  {
    name: 'preferred nodes take their addresses back by themselves',
    options: { preempt: true },
    run: s => {
      returned(s);
      s.run(5_000);
    },
    gap: 0,
    dual: 5,
    takeovers: 12,
  },
];
