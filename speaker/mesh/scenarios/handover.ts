import type { Scenario } from './scenario.ts';

/** Addresses that are moved, or go and come. */
export const HANDOVERS: readonly Scenario[] = [
  { name: 'planned leave of one node', run: s => s.leave(s.node(0)), gap: 0, dual: 5, takeovers: 6 },
  {
    name: 'planned leave with 5 % loss',
    options: { loss: 0.05 },
    run: s => s.leave(s.node(0)),
    gap: 5,
    dual: 150,
    takeovers: 12,
  },
  {
    name: 'planned leave of a node with 120 addresses',
    options: { nodes: 3, vips: 360 },
    run: s => s.leave(s.node(0)),
    gap: 0,
    dual: 60,
    takeovers: 130,
    seeds: 100,
  },
  {
    name: 'planned leave of a node with 400 addresses, which waits for the flows of some',
    options: { nodes: 3, vips: 1_200, drain: 60_000 },
    run: s => {
      s.leave(s.node(0), 5_000, true);
      for (let elapsed = 0; elapsed < 3_000; elapsed += 100) {
        s.run(100);
        for (const vip of s.vips.slice(3)) s.flowsGone(s.node(0), vip);
      }
      if (!s.node(0).alive) throw new Error('did not wait');
    },
    gap: 0,
    dual: 60,
    takeovers: 410,
    seeds: 30,
  },
  {
    name: 'rolling planned restart of all',
    run: s => {
      for (const node of s.nodes) {
        s.leave(node);
        s.run(1_500);
        s.boot(node);
        s.run(1_500);
      }
    },
    gap: 0,
    // A claim that is lost is told again after 20 ms.
    dual: 60,
    takeovers: 80,
  },
  {
    name: 'the new owner crashes in the middle of a handover',
    run: s => {
      s.leave(s.node(0));
      s.run(26);
      s.crash(s.node(1));
    },
    gap: 550,
    dual: 5,
    takeovers: 20,
  },
  {
    name: 'an owner becomes ineligible: handed over',
    run: s => {
      const gone = s.node(0).id;
      for (const vip of s.vips) {
        s.plan(
          vip,
          s.order(vip).filter(id => id !== gone),
        );
      }
    },
    gap: 0,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'an address is withdrawn and comes back',
    run: s => {
      const [vip] = s.vips;
      if (vip === undefined) return;
      const order = s.order(vip);
      s.plan(vip, undefined);
      s.run(1_000);
      s.plan(vip, order);
    },
    gap: 550,
    dual: 60,
    takeovers: 3,
  },
  {
    name: 'the new owner stalls in the middle of a handover',
    run: s => {
      s.leave(s.node(0));
      s.run(26);
      s.pause(s.node(1));
      s.run(250);
      s.resume(s.node(1));
    },
    gap: 5,
    dual: 60,
    takeovers: 12,
  },
  {
    name: 'two nodes leave at the same time',
    run: s => {
      s.leave(s.node(0));
      s.leave(s.node(1));
    },
    gap: 5,
    dual: 5,
    takeovers: 24,
  },
  {
    name: 'the link of the old owner goes down in the middle of a handover',
    run: s => {
      s.leave(s.node(0));
      s.run(26);
      s.carrier(s.node(0), false);
    },
    gap: 550,
    dual: 60,
    takeovers: 12,
  },
];
