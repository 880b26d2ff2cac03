import type { Vip } from '../packet.ts';
import type { Simulation } from '../simulator.ts';
import type { Scenario } from './scenario.ts';

/** Plans the first address anew: it is free, or a stranger has it, which its first node finds out. */
function fresh(s: Simulation, stranger: boolean, duration = 1_500): Vip {
  const [vip = ''] = s.vips;
  const order = s.order(vip);
  s.plan(vip, undefined);
  s.run(500);
  s.renew(vip, stranger);
  s.observer.reset();
  s.plan(vip, order);
  s.run(duration);
  return vip;
}

/** Whatever becomes of the node that found the stranger: nobody answers for the address as long as it is there. */
export const STRANGERS: readonly Scenario[] = [
  { name: 'a stranger has a new address', run: s => void fresh(s, true), gap: 5, dual: 5, takeovers: 1 },
  {
    name: 'a stranger has a new address, and goes',
    run: s => {
      const vip = fresh(s, true);
      s.vacate(vip);
    },
    gap: 1_010,
    dual: 5,
    takeovers: 1,
  },
  {
    name: 'a stranger: the node that found it crashes, then the next, and the stranger goes',
    run: s => {
      const vip = fresh(s, true);
      s.crash(s.node(0));
      s.run(1_000);
      s.crash(s.node(1));
      s.run(1_000);
      s.vacate(vip);
    },
    gap: 1_010,
    dual: 5,
    takeovers: 16,
  },
  {
    name: 'a stranger: the speaker that found it is killed and returns while its node answers',
    options: { hold: 30_000 },
    run: s => {
      fresh(s, true);
      s.kill(s.node(0));
      s.run(5_000);
      s.boot(s.node(0), true);
    },
    gap: 450,
    dual: 5,
    takeovers: 2,
  },
  {
    name: 'a stranger: all speakers restart one after the other, and say so',
    options: { hold: 30_000 },
    run: s => {
      fresh(s, true);
      for (const node of s.nodes) {
        s.restart(node, 1_500);
        s.run(2_500);
      }
    },
    gap: 60,
    dual: 5,
    takeovers: 8,
  },
  {
    name: 'a stranger: speakers with a pinned kernel restart',
    options: { hold: 30_000, kernel: true },
    run: s => {
      fresh(s, true);
      for (const node of s.nodes.slice(0, 3)) {
        s.restart(node, 1_500);
        s.run(2_500);
      }
    },
    gap: 60,
    dual: 5,
    takeovers: 5,
  },
  {
    name: 'a stranger: all speakers are killed together and return',
    options: { hold: 30_000 },
    run: s => {
      fresh(s, true);
      for (const node of s.nodes) s.kill(node);
      s.run(2_000);
      for (const node of s.nodes) s.boot(node, true);
    },
    gap: 200,
    dual: 5,
    takeovers: 2,
  },
  {
    name: 'a stranger: the nodes that found it leave one after the other, with time for flows',
    options: { drain: 2_000 },
    run: s => {
      fresh(s, true);
      for (const node of s.nodes.slice(0, 3)) {
        s.leave(node, 4_000, true);
        s.run(4_000);
      }
    },
    gap: 5,
    dual: 150,
    takeovers: 40,
  },
  {
    name: 'a stranger: the node that found it becomes ineligible',
    options: { drain: 2_000 },
    run: s => {
      const vip = fresh(s, true);
      s.plan(vip, s.order(vip).slice(1));
    },
    gap: 5,
    dual: 5,
    takeovers: 2,
  },
  {
    name: 'a stranger: the node that found it among many addresses is killed, 2 % loss',
    options: { nodes: 3, vips: 180, loss: 0.02, hold: 30_000 },
    run: s => {
      fresh(s, true);
      s.kill(s.node(0));
      s.run(3_000);
      s.boot(s.node(0), true);
    },
    gap: 600,
    dual: 5,
    // Where the questions to the kernel of the first node are lost as well, all that it had is taken over.
    takeovers: 63,
  },
  {
    name: 'a new address: the node that asks for it crashes before it answered',
    run: s => {
      const vip = fresh(s, false, 0);
      const step = (): void => {
        if (!s.node(0).state.mine.has(vip)) return s.after(5, step);
        s.crash(s.node(0));
      };
      step();
    },
    gap: 900,
    dual: 5,
    takeovers: 7,
  },
];
