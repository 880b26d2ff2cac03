import type { Simulation, SimulationOptions } from './simulator.ts';

export interface Scenario {
  name: string;
  options?: Partial<SimulationOptions>;
  run: (simulation: Simulation) => void;
  /** ms without an owner where clients are, at most. */
  gap: number;
  /** ms with two owners where clients meet both, at most. */
  dual: number;
  /** Changes of owner, at most. */
  takeovers: number;
}

const halves = (simulation: Simulation): number[] => simulation.nodes.slice(simulation.nodes.length / 2).map(node => node.index);

function cut(simulation: Simulation, index: number, duration: number): void {
  simulation.split([index]);
  simulation.run(duration);
  simulation.heal();
}

/** Everything the mesh must survive. Bounds are those of the worst run among thousands, with a margin for the tick. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'one owner crashes', run: s => s.crash(s.node(0)), gap: 450, dual: 0, takeovers: 6 },
  {
    name: 'two crash together',
    run: s => {
      s.crash(s.node(0));
      s.crash(s.node(1));
    },
    gap: 550,
    dual: 5,
    takeovers: 10,
  },
  {
    name: 'owner frozen 2 s, resumes',
    run: s => {
      s.pause(s.node(0));
      s.run(2_000);
      s.resume(s.node(0));
    },
    gap: 5,
    dual: 1_800,
    takeovers: 6,
  },
  {
    name: 'owner stalls 250 ms',
    run: s => {
      s.pause(s.node(0));
      s.run(250);
      s.resume(s.node(0));
    },
    gap: 0,
    dual: 5,
    takeovers: 1,
  },
  {
    name: 'owner cannot receive for 5 s',
    run: s => {
      s.node(0).deaf = true;
      s.run(5_000);
      s.node(0).deaf = false;
    },
    gap: 300,
    dual: 300,
    takeovers: 8,
  },
  {
    name: 'owner cannot send for 5 s',
    run: s => {
      s.node(0).mute = true;
      s.run(5_000);
      s.node(0).mute = false;
    },
    gap: 300,
    dual: 60,
    takeovers: 8,
  },
  {
    name: 'link of an owner down for 5 s',
    run: s => {
      s.carrier(s.node(0), false);
      s.run(5_000);
      s.carrier(s.node(0), true);
    },
    gap: 550,
    dual: 5,
    takeovers: 8,
  },
  {
    name: 'partition 3|3, gateway on one side, heals',
    run: s => {
      s.split(halves(s));
      s.run(5_000);
      s.heal();
    },
    gap: 750,
    dual: 250,
    takeovers: 60,
  },
  {
    name: 'partition 3|3, clients on both sides, heals',
    run: s => {
      s.clientSides = [0, 1];
      s.split(halves(s));
      s.run(5_000);
      s.heal();
      s.clientSides = [0];
    },
    gap: 750,
    dual: 150,
    takeovers: 60,
  },
  {
    name: 'all speakers restart together',
    run: s => {
      for (const node of s.nodes) s.crash(node);
      s.run(500);
      for (const node of s.nodes) s.boot(node);
    },
    gap: 900,
    dual: 5,
    takeovers: 30,
  },
  {
    name: 'rolling crash and restart of all',
    run: s => {
      for (const node of s.nodes) {
        s.crash(node);
        s.run(1_000);
        s.boot(node);
        s.run(2_000);
      }
    },
    gap: 550,
    dual: 5,
    takeovers: 60,
  },
  {
    name: 'gateway silent 5 s for everybody',
    run: s => {
      s.gatewayUp = false;
      s.run(5_000);
      s.gatewayUp = true;
    },
    gap: 0,
    dual: 0,
    takeovers: 0,
  },
  {
    name: 'gateway silent and an owner crashes',
    run: s => {
      s.gatewayUp = false;
      s.run(2_000);
      s.crash(s.node(0));
      s.run(3_000);
      s.gatewayUp = true;
    },
    gap: 450,
    dual: 5,
    takeovers: 6,
  },
  { name: 'crash with 5 % loss', options: { loss: 0.05 }, run: s => s.crash(s.node(0)), gap: 600, dual: 150, takeovers: 12 },
  { name: 'quiet 10 s, 2 % loss', options: { loss: 0.02 }, run: s => s.run(10_000), gap: 0, dual: 100, takeovers: 4 },
  {
    name: 'a node is cut off for 5 s and returns, no gateway',
    options: { gateway: false },
    run: s => cut(s, 0, 5_000),
    gap: 550,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'a node is cut off for 5 s and returns, gateway',
    run: s => cut(s, 0, 5_000),
    gap: 550,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'two nodes, one crashes, gateway present',
    options: { nodes: 2 },
    run: s => s.crash(s.node(0)),
    gap: 450,
    dual: 5,
    takeovers: 14,
  },
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
    dual: 5,
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
    name: 'readiness churn: a stranger on an address at its owner',
    run: s => {
      const [vip] = s.vips;
      if (vip !== undefined) s.refuse(s.node(0), vip);
    },
    gap: 300,
    dual: 5,
    takeovers: 1,
  },
  {
    name: 'readiness churn: the stranger goes, and the node is the next in line again',
    run: s => {
      const [vip] = s.vips;
      if (vip === undefined) return;
      s.refuse(s.node(0), vip);
      s.run(1_000);
      s.retry(s.node(0), vip);
      s.crash(s.node(1));
    },
    gap: 450,
    dual: 5,
    takeovers: 8,
  },
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
];

/** The same at sizes that take minutes: only in the long run. */
export const LARGE_SCENARIOS: readonly Scenario[] = [
  {
    name: '120 s quiet, 0.1 % loss',
    run: s => s.run(120_000),
    gap: 0,
    dual: 0,
    takeovers: 0,
  },
  {
    name: '120 s quiet, 2 % loss',
    options: { loss: 0.02 },
    run: s => s.run(120_000),
    gap: 5,
    dual: 100,
    takeovers: 4,
  },
  {
    name: '40 nodes: a fast set of 32 and slow beacons beyond, one crashes',
    options: { nodes: 40, vips: 80, candidates: 4 },
    run: s => s.crash(s.node(0)),
    gap: 550,
    dual: 60,
    takeovers: 8,
  },
  {
    name: '200 nodes, 200 addresses, four candidates each, one crashes',
    options: { nodes: 200, vips: 200, candidates: 4 },
    run: s => s.crash(s.node(0)),
    gap: 550,
    dual: 60,
    takeovers: 4,
  },
];
