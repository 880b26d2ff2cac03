import { describe, expect, it } from 'vitest';
import { keyring, seal, segmentIdOf, unseal } from './authentication.ts';
import { peersHaveNewestKey } from './receive.ts';
import { SCENARIOS } from './scenarios.ts';
import { simulate } from './simulate.ts';
import { Simulation } from './simulator.ts';

const SEEDS = Array.from({ length: 30 }, (_, seed) => seed);

describe('every scenario within its bounds, 30 runs each', () => {
  it.each(SCENARIOS.map(scenario => [scenario.name, scenario] as const))('%s', (_, scenario) => {
    expect(simulate(scenario, SEEDS).failures).toEqual([]);
  });
});

describe('the simulation itself', () => {
  it('is deterministic', () => {
    expect(crashRun()).toEqual(crashRun());
  });

  it('fails a scenario whose bound is broken', () => {
    const [crash] = SCENARIOS;
    if (crash === undefined) throw new Error('there are no scenarios');
    const { failures } = simulate({ ...crash, gap: 100 }, [0]);
    expect(failures[0]).toMatch(/^seed 0: gap \d+\.\d ms$/);
  });
});

it('works the same with every packet on the wire in its sealed form, and loses none while the key is rotated', () => {
  const [old, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const before = keyring([old], 'uid');
  const after = keyring([next, old], 'uid');
  const rotated = new Set<string>();
  const ringOf = (id: string) => (rotated.has(id) ? after : before);
  const segment = segmentIdOf('192.0.2.0/24');
  const unread: string[] = [];
  const signedWithNew = new Set<string>();
  const simulation: Simulation = new Simulation({
    nodes: 4,
    vips: 60,
    seed: 1,
    loss: 0,
    wire: packet => {
      const sender = simulation.nodes.find(node => node.id === packet.sender);
      const sealed = seal(packet, ringOf(packet.sender), segment, sender !== undefined && peersHaveNewestKey(sender.state));
      if (sealed[7] === after.keys[0]?.id) signedWithNew.add(packet.sender);
      for (const { id, name } of simulation.nodes) {
        const read = unseal(sealed, ringOf(id), new Set([segment]));
        if (typeof read === 'string') unread.push(`${name}: ${read}`);
      }
      const read = unseal(sealed, after, new Set([segment]));
      return typeof read === 'string' ? undefined : read;
    },
  });
  for (const node of simulation.nodes) node.state.newestKey = before.keys[0]?.id ?? 0;
  simulation.run(2_000);
  simulation.observer.reset();
  for (const node of simulation.nodes) {
    rotated.add(node.id);
    node.state.newestKey = after.keys[0]?.id ?? 0;
    simulation.run(500);
  }
  expect(unread).toEqual([]);
  expect(signedWithNew.size).toBe(4);
  expect(simulation.observer.settled()).toEqual([]);
  expect(simulation.observer.worstGap).toBe(0);
  simulation.crash(simulation.node(0));
  simulation.run(2_000);
  expect(simulation.observer.settled()).toEqual([]);
  expect(simulation.observer.worstGap).toBeLessThan(550);
});

function crashRun(): (number | undefined)[][] {
  const simulation = new Simulation({ nodes: 4, vips: 8, seed: 7, loss: 0.05 });
  simulation.run(3_000);
  simulation.crash(simulation.node(0));
  simulation.run(2_000);
  return simulation.vips.map(vip => simulation.nodes.map(node => node.state.mine.get(vip)?.epoch));
}
