import type { Simulation } from '../simulator.ts';
import type { Scenario } from './scenario.ts';

/** Which nodes have endpoints changes every 300 ms, as with `externalTrafficPolicy: Local` under a rolling update. */
function churn(s: Simulation, rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    for (const vip of s.vips) {
      const having = s.nodes.filter(() => s.random() < 0.7).map(({ id }) => id);
      s.plan(vip, having.length === 0 ? [s.node(0).id] : having);
    }
    s.run(300);
  }
}

/** Plans, keys and clocks that change, with nothing broken. */
export const CHANGES: readonly Scenario[] = [
  {
    name: 'a clock jump of an hour on one node',
    run: s => {
      const { state } = s.node(0);
      state.lastTick -= 3_600_000;
    },
    gap: 5,
    dual: 5,
    takeovers: 0,
  },
  {
    name: 'clocks jump by seconds, one node after the other',
    run: s => {
      for (const { state } of s.nodes) {
        state.lastTick -= 1_000 + s.random() * 9_000;
        s.run(300);
      }
    },
    gap: 5,
    dual: 5,
    takeovers: 0,
  },
  {
    name: 'endpoints come and go for 3 s (externalTrafficPolicy: Local)',
    run: s => churn(s, 10),
    gap: 300,
    dual: 60,
    takeovers: 400,
  },
  {
    name: 'endpoints come and go while a node crashes',
    run: s => {
      churn(s, 3);
      s.crash(s.node(1));
      churn(s, 5);
      for (const vip of s.vips)
        s.plan(
          vip,
          s.nodes.map(({ id }) => id),
        );
    },
    gap: 900,
    dual: 60,
    takeovers: 400,
  },
  {
    name: 'the key is rotated node by node, and a node crashes in the middle',
    options: { nodes: 4, sealed: true },
    run: s => {
      for (const node of s.nodes) {
        s.rotate(node);
        s.run(300);
        if (node.index === 1) s.crash(s.node(3));
      }
    },
    gap: 450,
    dual: 5,
    // Where the last beacon to the second in line was lost, it notices earlier than the first, and yields.
    takeovers: 12,
  },
  {
    name: 'fast sets change: 12 nodes, a fast set of 4, the candidates move and one crashes',
    options: {
      nodes: 12,
      vips: 24,
      candidates: 3,
      timers: { interval: 100, multiplier: 4, slowInterval: 1_000, idleInterval: 5_000, fastSet: 4 },
    },
    run: s => {
      const ids = s.nodes.map(({ id }) => id);
      for (const shift of [1, 5, 9]) {
        for (const [index, vip] of s.vips.entries())
          s.plan(
            vip,
            [0, 1, 2].map(place => ids[(index + shift + place) % ids.length] ?? ''),
          );
        s.run(2_500);
      }
      s.crash(s.node(0));
      s.run(4_000);
    },
    gap: 1_700,
    dual: 250,
    takeovers: 120,
  },
];
