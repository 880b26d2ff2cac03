import type { Simulation } from '../simulator.ts';
import type { Scenario } from './scenario.ts';

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'hold: a speaker is killed and returns after 5 s',
    options: { hold: 30_000 },
    run: s => {
      s.kill(s.node(0));
      s.run(5_000);
      s.boot(s.node(0), true);
    },
    gap: 450,
    dual: 0,
    takeovers: 0,
  },
  {
    name: 'hold: speakers of dual-stack nodes are killed one after the other and return',
    options: { hold: 30_000, dualStack: true },
    run: s => {
      for (const node of s.nodes) {
        s.kill(node);
        s.run(1_200 + 100 * s.random());
        s.boot(node, true);
        s.run(1_500);
      }
    },
    gap: 450,
    dual: 0,
    takeovers: 0,
  },
  {
    name: 'hold: a speaker restarts and says so',
    options: { hold: 30_000 },
    run: s => {
      s.restart(s.node(0), 5_000);
      s.run(5_000);
    },
    gap: 60,
    dual: 0,
    takeovers: 0,
  },
  ...[50, 300, 2_000].map(lingering => ({
    name: `hold: a speaker says that it restarts, and ends ${lingering} ms later`,
    options: { hold: 30_000 },
    run: (s: Simulation) => {
      s.restart(s.node(0), 3_000, lingering);
      s.run(7_000);
    },
    gap: 60,
    dual: 0,
    takeovers: 0,
  })),
  {
    name: 'hold: rolling restart of all speakers',
    options: { hold: 30_000 },
    run: s => {
      for (const node of s.nodes) {
        s.restart(node, 1_500);
        s.run(2_500);
      }
    },
    gap: 60,
    dual: 0,
    takeovers: 0,
  },
  {
    name: 'hold: all speakers are killed together and return',
    options: { hold: 30_000 },
    run: s => {
      for (const node of s.nodes) s.kill(node);
      s.run(2_000);
      for (const node of s.nodes) s.boot(node, true);
    },
    gap: 200,
    dual: 0,
    takeovers: 0,
  },
  {
    name: 'hold: all speakers are killed together and return one after the other',
    options: { hold: 30_000, dualStack: true },
    run: s => {
      for (const node of s.nodes) s.kill(node);
      s.run(1_000);
      for (const node of s.nodes) {
        s.boot(node, true);
        s.run(900 + 200 * s.random());
      }
    },
    gap: 850,
    dual: 0,
    takeovers: 0,
  },
  {
    name: 'hold: two speakers are killed together, and one of them returns first',
    options: { hold: 30_000, dualStack: true },
    run: s => {
      s.kill(s.node(0));
      s.kill(s.node(2));
      s.run(1_000);
      s.boot(s.node(2), true);
      s.run(3_000);
      s.boot(s.node(0), true);
    },
    gap: 450,
    dual: 0,
    takeovers: 0,
  },
  {
    name: 'hold: a node is powered off while the speaker of another restarts',
    options: { hold: 30_000, dualStack: true },
    run: s => {
      s.kill(s.node(2));
      s.run(500);
      s.crash(s.node(0));
      s.run(300);
      s.boot(s.node(2), true);
    },
    gap: 450,
    dual: 60,
    takeovers: 6,
  },
  {
    name: 'hold: all speakers are killed together, all but one return, and then its node is powered off',
    options: { hold: 30_000, dualStack: true },
    run: s => {
      for (const node of s.nodes) s.kill(node);
      s.run(1_000);
      for (const node of s.nodes.slice(1)) s.boot(node, true);
      s.run(3_000);
      s.crash(s.node(0));
      s.run(3_000);
    },
    gap: 850,
    dual: 60,
    takeovers: 6,
  },
  {
    name: 'hold: owner frozen 5 s, resumes',
    options: { hold: 30_000 },
    run: s => {
      s.pause(s.node(0));
      s.run(5_000);
      s.resume(s.node(0));
    },
    gap: 0,
    dual: 0,
    takeovers: 0,
  },
  ...[250, 350, 600].map(stall => ({
    name: `hold: the node that answers for it stalls ${stall} ms`,
    options: { hold: 30_000 },
    run: (s: Simulation) => {
      s.kill(s.node(0));
      s.run(2_000);
      s.pause(s.node(1));
      s.run(stall);
      s.resume(s.node(1));
      s.run(2_000);
      s.boot(s.node(0), true);
    },
    gap: 450,
    dual: 0,
    takeovers: 0,
  })),
  {
    name: 'hold: the node is powered off while the next in line stalls',
    options: { hold: 30_000 },
    run: s => {
      s.kill(s.node(0));
      s.run(2_000);
      s.pause(s.node(1));
      s.crash(s.node(0));
      s.run(350);
      s.resume(s.node(1));
    },
    gap: 850,
    dual: 60,
    takeovers: 12,
  },
  {
    name: 'hold of two minutes: a speaker is away for most of them',
    options: { hold: 120_000 },
    run: s => {
      s.kill(s.node(0));
      s.run(110_000);
      s.boot(s.node(0), true);
    },
    gap: 450,
    dual: 5,
    takeovers: 0,
    announced: 0,
    seeds: 5,
  },
  {
    name: 'hold ends without a return, and connections through the node last for two minutes more',
    options: { hold: 3_000, drain: 120_000 },
    run: s => {
      s.kill(s.node(0));
      s.run(110_000);
    },
    gap: 450,
    dual: 5,
    takeovers: 6,
    announced: 0,
    seeds: 5,
  },
  {
    name: 'hold ends without a return',
    options: { hold: 3_000 },
    run: s => {
      s.kill(s.node(0));
      s.run(5_000);
    },
    gap: 450,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'hold ends without a return, and leaves the node as gently as a planned move',
    options: { hold: 3_000, drain: 30_000 },
    run: s => {
      s.kill(s.node(0));
      s.run(5_000);
    },
    gap: 450,
    dual: 5,
    takeovers: 6,
    announced: 0,
  },
  {
    name: 'hold ends without a return, and the node is powered off then',
    options: { hold: 3_000, drain: 30_000 },
    run: s => {
      s.kill(s.node(0));
      s.run(5_000);
      if (s.announced.length > 0) throw new Error('announced before');
      s.crash(s.node(0));
      s.run(1_000);
      if (s.announced.length === 0) throw new Error('never announced');
    },
    gap: 450,
    dual: 5,
    takeovers: 6,
    announced: 6,
  },
  {
    name: 'hold: the node is powered off in the middle of it',
    options: { hold: 30_000 },
    run: s => {
      s.kill(s.node(0));
      s.run(2_000);
      s.crash(s.node(0));
    },
    gap: 500,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'hold: a powered-off node is taken over as fast as without',
    options: { hold: 30_000 },
    run: s => s.crash(s.node(0)),
    gap: 550,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'hold: the node that answers for it dies as well',
    options: { hold: 30_000 },
    run: s => {
      s.kill(s.node(0));
      s.run(2_000);
      s.crash(s.node(1));
      s.run(2_000);
      s.boot(s.node(0), true);
    },
    gap: 550,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'hold: partition in the middle of it, the held node on the other side',
    options: { hold: 30_000 },
    run: s => {
      s.kill(s.node(0));
      s.run(2_000);
      s.split([0]);
      s.run(2_000);
      s.heal();
      s.boot(s.node(0), true);
    },
    gap: 500,
    dual: 60,
    takeovers: 6,
  },
  {
    name: 'hold: the speaker returns without its memory',
    options: { hold: 30_000 },
    run: s => {
      s.kill(s.node(0));
      s.run(2_000);
      s.boot(s.node(0));
    },
    gap: 450,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'hold with 5 % loss: killed and back after 5 s',
    options: { hold: 30_000, loss: 0.05 },
    run: s => {
      s.kill(s.node(0));
      s.run(5_000);
      s.boot(s.node(0), true);
    },
    gap: 550,
    dual: 60,
    takeovers: 6,
  },
  {
    name: 'hold: killed, back after 1, 2 and 3 s, again and again',
    options: { hold: 30_000 },
    run: s => {
      for (const absence of [1_000, 2_000, 3_000]) {
        s.kill(s.node(0));
        s.run(absence);
        s.boot(s.node(0), true);
        s.run(1_000);
      }
    },
    gap: 450,
    dual: 5,
    takeovers: 0,
    announced: 0,
  },
  {
    name: 'hold: the gateway is silent while a speaker is away',
    options: { hold: 30_000 },
    run: s => {
      s.kill(s.node(0));
      s.run(1_000);
      s.gatewayUp = false;
      s.run(3_000);
      s.gatewayUp = true;
      s.boot(s.node(0), true);
    },
    gap: 450,
    dual: 5,
    takeovers: 0,
  },
  {
    // The lease of the kernel's answers is what ends this: nobody can tell the node.
    name: 'hold, double fault: killed, cut off, and connected again before the hold is over',
    options: { hold: 3_000 },
    run: s => {
      s.kill(s.node(0));
      s.run(500);
      s.split([0]);
      s.run(1_000);
      s.heal();
      s.run(3_000);
    },
    gap: 550,
    dual: 3_000,
    takeovers: 6,
  },
];

/** Speakers that go away for a while, with either responder: where the kernel answers, its node goes on doing so by itself. */
export const HOLDS: readonly Scenario[] = SCENARIOS.flatMap(scenario => [
  scenario,
  { ...scenario, name: scenario.name.replace('hold', 'hold, kernel responder'), options: { ...scenario.options, kernel: true } },
]);
