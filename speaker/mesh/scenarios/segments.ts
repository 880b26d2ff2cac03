import type { Scenario } from './scenario.ts';

/** Nodes with two interfaces: what happens on one segment is no business of the other. Bounds are those of either. */
export const SEGMENTS: readonly Scenario[] = [
  {
    name: 'two segments: a link of one is down for 5 s, the other does not notice',
    segments: true,
    run: (s, second) => {
      second.carrier(second.node(0), false);
      for (const segment of [s, second]) segment.run(5_000);
      second.carrier(second.node(0), true);
      if (s.takeovers > s.vips.length) throw new Error('the other segment changed owners');
    },
    gap: 550,
    dual: 5,
    takeovers: 8,
  },
  {
    name: 'two segments: a node crashes, both take over',
    segments: true,
    run: (s, second) => {
      for (const segment of [s, second]) segment.crash(segment.node(0));
    },
    gap: 550,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'two segments: one is cut in halves, the other goes on',
    segments: true,
    run: (s, second) => {
      second.split([3, 4, 5]);
      for (const segment of [s, second]) segment.run(3_000);
      second.heal();
      if (s.takeovers > s.vips.length) throw new Error('the other segment changed owners');
    },
    gap: 750,
    dual: 250,
    takeovers: 60,
  },
];
