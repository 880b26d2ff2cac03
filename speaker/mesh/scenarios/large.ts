import type { Scenario } from './scenario.ts';

/** Sizes and lengths that take minutes: only in the long run. */
export const LARGE: readonly Scenario[] = [
  {
    name: '120 s quiet, 0.1 % loss',
    run: s => s.run(120_000),
    gap: 0,
    dual: 0,
    takeovers: 0,
    seeds: 30,
  },
  {
    name: '120 s quiet, 2 % loss',
    options: { loss: 0.02 },
    run: s => s.run(120_000),
    gap: 5,
    dual: 100,
    takeovers: 4,
    seeds: 30,
  },
  {
    name: '40 nodes: a fast set of 32 and slow beacons beyond, one crashes',
    options: { nodes: 40, vips: 80, candidates: 4 },
    run: s => s.crash(s.node(0)),
    gap: 550,
    dual: 60,
    takeovers: 8,
    seeds: 20,
  },
  {
    name: '60 nodes: the plan puts other nodes first',
    options: { nodes: 60, vips: 120, candidates: 4 },
    run: s => {
      for (const [index, vip] of s.vips.entries()) {
        const first = s.node((index * 7 + 30) % s.nodes.length).id;
        s.plan(vip, [first, ...s.order(vip).filter(id => id !== first)]);
      }
      s.run(3_000);
    },
    gap: 0,
    dual: 0,
    takeovers: 0,
    seeds: 20,
  },
  {
    name: '200 nodes, 200 addresses, four candidates each, one crashes',
    options: { nodes: 200, vips: 200, candidates: 4 },
    run: s => s.crash(s.node(0)),
    gap: 550,
    dual: 60,
    takeovers: 4,
    seeds: 5,
  },
  {
    name: '100 nodes, 500 addresses, eight candidates each, rolling crash of three',
    options: { nodes: 100, vips: 500, candidates: 8 },
    run: s => {
      for (const index of [0, 1, 2]) {
        s.crash(s.node(index));
        s.run(1_000);
        s.boot(s.node(index));
        s.run(500);
      }
    },
    gap: 750,
    dual: 60,
    takeovers: 60,
    seeds: 5,
  },
  {
    name: '1000 nodes, 1000 addresses, eight candidates each, one crashes',
    options: { nodes: 1_000, vips: 1_000, candidates: 8 },
    run: s => s.crash(s.node(0)),
    gap: 550,
    dual: 60,
    takeovers: 8,
    seeds: 2,
  },
];
