import type { Simulation } from '../simulator.ts';
import { MESH_PROFILES } from '../timers.ts';
import { halves, type Scenario } from './scenario.ts';

const drain = 3_000;

/** Every address of the first node is planned elsewhere: it moves gently, and is quiet there. */
function moveAway(s: Simulation): void {
  const gone = s.node(0).id;
  for (const vip of s.vips) {
    const order = s.order(vip).filter(id => id !== gone);
    if (order.length < s.order(vip).length) s.plan(vip, order);
  }
  s.run(300);
}

function flowsEnd(s: Simulation): void {
  for (const node of s.nodes) if (node.alive) for (const vip of s.vips) s.flowsGone(node, vip);
}

/** Planned moves that wait for established flows, and everything that may go wrong meanwhile. */
export const LAME_DUCKS: readonly Scenario[] = [
  {
    name: 'lame duck: moved, flows end, announced',
    options: { drain },
    run: s => {
      moveAway(s);
      s.run(1_000);
      flowsEnd(s);
    },
    gap: 0,
    dual: 5,
    takeovers: 6,
    announced: 6,
  },
  {
    name: 'lame duck: moved, the time is over',
    options: { drain },
    run: s => {
      moveAway(s);
      s.run(drain);
    },
    gap: 0,
    dual: 5,
    takeovers: 6,
    announced: 6,
  },
  {
    name: 'lame duck: moved while all others have just started',
    options: { drain },
    run: s => {
      for (const node of s.nodes.slice(1)) s.crash(node);
      s.run(2_000);
      for (const node of s.nodes.slice(1)) s.boot(node);
      s.run(200);
      // What the crashes cost is not the question here.
      s.observer.reset();
      moveAway(s);
      s.run(1_000);
      flowsEnd(s);
    },
    gap: 0,
    dual: 5,
    takeovers: 50,
  },
  {
    name: 'lame duck: moved while all others have just started, timers relaxed',
    options: { drain, timers: MESH_PROFILES.relaxed },
    run: s => {
      s.run(4_000);
      for (const node of s.nodes.slice(1)) s.crash(node);
      s.run(6_000);
      for (const node of s.nodes.slice(1)) s.boot(node);
      s.run(200);
      s.observer.reset();
      moveAway(s);
      s.run(3_000);
      flowsEnd(s);
    },
    gap: 0,
    dual: 5,
    takeovers: 80,
  },
  {
    name: 'lame duck: the new owner is powered off',
    options: { drain },
    run: s => {
      moveAway(s);
      s.crash(s.node(1));
    },
    gap: 550,
    dual: 5,
    takeovers: 18,
  },
  {
    name: 'lame duck: the speaker of the new owner restarts',
    options: { drain, hold: 30_000 },
    run: s => {
      moveAway(s);
      s.kill(s.node(1));
      s.run(1_500);
      s.boot(s.node(1), true);
    },
    gap: 450,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'lame duck: the old owner is powered off',
    options: { drain },
    run: s => {
      moveAway(s);
      s.crash(s.node(0));
    },
    gap: 0,
    dual: 5,
    takeovers: 6,
    announced: 6,
  },
  {
    name: 'lame duck: the speaker of the old owner restarts',
    options: { drain, hold: 30_000 },
    run: s => {
      moveAway(s);
      s.kill(s.node(0));
      s.run(1_000);
      s.boot(s.node(0), true);
      s.run(drain);
    },
    gap: 0,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'lame duck: both are powered off',
    options: { drain },
    run: s => {
      moveAway(s);
      s.crash(s.node(0));
      s.crash(s.node(1));
    },
    gap: 550,
    dual: 5,
    takeovers: 18,
  },
  {
    name: 'lame duck: the old owner is cut off, and comes back',
    options: { drain },
    run: s => {
      moveAway(s);
      s.split([0]);
      s.run(1_500);
      s.heal();
    },
    gap: 0,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'lame duck: the new owner is cut off, and comes back',
    options: { drain },
    run: s => {
      moveAway(s);
      s.split([1]);
      s.run(1_500);
      s.heal();
    },
    gap: 550,
    dual: 60,
    takeovers: 18,
  },
  {
    name: 'lame duck: peers disagree, a partition claims the same addresses on both sides',
    options: { drain },
    run: s => {
      s.clientSides = [0, 1];
      s.split(halves(s));
      moveAway(s);
      s.run(1_000);
      s.heal();
      s.clientSides = [0];
      flowsEnd(s);
    },
    gap: 750,
    dual: 250,
    takeovers: 40,
  },
  {
    name: 'lame duck: the plan changes its mind in the middle',
    options: { drain },
    run: s => {
      const orders = s.vips.map(vip => s.order(vip));
      moveAway(s);
      for (const [index, vip] of s.vips.entries()) s.plan(vip, orders[index]);
      s.run(500);
      moveAway(s);
    },
    gap: 0,
    dual: 5,
    takeovers: 12,
  },
  {
    name: 'lame duck: moved on before the flows of the first move are gone',
    options: { drain },
    run: s => {
      moveAway(s);
      const ids = new Set([s.node(0).id, s.node(1).id]);
      for (const vip of s.vips)
        s.plan(
          vip,
          s.order(vip).filter(id => !ids.has(id)),
        );
      s.run(1_000);
      flowsEnd(s);
      s.run(drain);
    },
    gap: 0,
    dual: 5,
    takeovers: 18,
  },
  {
    name: 'lame duck: a node leaves and waits for its flows, 5 % loss',
    options: { drain, loss: 0.05 },
    run: s => {
      s.leave(s.node(0), 5_000, true);
      s.run(1_500);
      flowsEnd(s);
    },
    gap: 5,
    dual: 150,
    takeovers: 12,
  },
];
