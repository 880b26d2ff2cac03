import type { Simulation } from '../simulator.ts';
import type { Scenario } from './scenario.ts';

/** Node 0 was away and is back, with nothing. */
function returned(s: Simulation): void {
  s.crash(s.node(0));
  s.run(1_500);
  s.boot(s.node(0));
}

/** Moves back: by themselves where the plan asks for preemption, and on request. */
export const PREEMPTIONS: readonly Scenario[] = [
  {
    name: 'preemption: a preferred node comes back',
    options: { preempt: true },
    run: s => {
      returned(s);
      s.run(15_000);
    },
    gap: 450,
    dual: 5,
    takeovers: 12,
  },
  {
    name: 'preemption: the preferred node is powered off while its addresses move back',
    options: { preempt: true },
    run: s => {
      returned(s);
      s.run(9_000 + s.random() * 3_000);
      s.crash(s.node(0));
    },
    gap: 550,
    dual: 60,
    takeovers: 20,
  },
  {
    name: 'preemption: the plan drops the owner while it hands over, and the new one dies',
    options: { preempt: true },
    run: s => {
      returned(s);
      const moving = () => s.nodes.find(({ alive, state }) => alive && state.handovers.size > 0);
      for (let waited = 0; moving() === undefined && waited < 15_000; waited++) s.run(1);
      const owner = moving();
      if (owner === undefined) throw new Error('nothing moved');
      const orders = [...owner.state.handovers.keys()].map(vip => [vip, s.order(vip).filter(id => id !== owner.id)] as const);
      s.crash(s.node(0));
      for (const [vip, order] of orders) s.plan(vip, order);
      s.run(4_000);
    },
    gap: 450,
    dual: 60,
    takeovers: 20,
  },
  {
    name: 'preemption: the preferred node comes and goes',
    options: { preempt: true },
    run: s => {
      for (let round = 0; round < 4; round++) {
        returned(s);
        s.run(1_000);
      }
      s.run(3_000);
    },
    gap: 550,
    dual: 60,
    takeovers: 48,
  },
  {
    name: 'preemption with 5 % loss, moved gently',
    options: { preempt: true, loss: 0.05, drain: 2_000 },
    run: s => {
      returned(s);
      s.run(15_000);
    },
    gap: 600,
    dual: 150,
    takeovers: 16,
  },
  {
    name: 'rebalance on request',
    run: s => {
      returned(s);
      s.run(2_000);
      s.rebalance();
      s.run(1_000);
    },
    gap: 450,
    dual: 5,
    takeovers: 12,
  },
  {
    name: 'rebalance, and the node that gives away is powered off meanwhile',
    run: s => {
      returned(s);
      s.run(2_000);
      s.rebalance();
      s.run(s.random() * 150);
      s.crash(s.node(1));
    },
    gap: 550,
    dual: 60,
    takeovers: 24,
  },
  {
    name: 'rebalance, and the node that takes is cut off meanwhile',
    run: s => {
      returned(s);
      s.run(2_000);
      s.rebalance();
      s.run(s.random() * 150);
      s.split([0]);
      s.run(1_500);
      s.heal();
    },
    gap: 550,
    dual: 60,
    takeovers: 24,
  },
];
