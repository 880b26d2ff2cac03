import { describe, expect, it } from 'vitest';
import type { Vip } from './packet.ts';
import { type SimNode, Simulation } from './simulator.ts';

const DRAIN = 4_000;

/** Node 0 owns the first address and is being left: the address moves to node 1, gently. */
function moving(seed: number): { simulation: Simulation; vip: Vip; from: SimNode; to: SimNode; movedAt: number } {
  const simulation = new Simulation({ nodes: 4, vips: 8, seed, drain: DRAIN });
  simulation.run(2_000);
  const [vip = ''] = simulation.vips;
  const [from, to] = [simulation.node(0), simulation.node(1)];
  expect(from.state.mine.has(vip)).toBe(true);
  simulation.announced.length = 0;
  simulation.observer.reset();
  simulation.plan(
    vip,
    simulation.order(vip).filter(id => id !== from.id),
  );
  simulation.run(500);
  expect(to.state.mine.has(vip)).toBe(true);
  return { simulation, vip, from, to, movedAt: simulation.now };
}

const SEEDS = Array.from({ length: 30 }, (_, seed) => [seed]);

describe.each(SEEDS)('a planned move, seed %i', seed => {
  it('announces nothing while the old owner has flows, and once they are gone', () => {
    const { simulation, vip, from, to, movedAt } = moving(seed);
    simulation.run(1_000);
    expect(from.state.lameDucks.get(vip)).toMatchObject({ to: to.id });
    expect(simulation.announced).toEqual([]);
    simulation.flowsGone(from, vip);
    simulation.run(100);
    expect(simulation.announced).toEqual([{ at: expect.any(Number), vip, node: to.index }]);
    expect(simulation.announced[0]?.at).toBeGreaterThan(movedAt);
    expect(from.state.lameDucks.size).toBe(0);
    expect(simulation.observer.worstGap).toBe(0);
    expect(simulation.observer.settled()).toEqual([]);
  });

  it('announces when the time for it is over, flows or not', () => {
    const { simulation, vip, from, to } = moving(seed);
    simulation.run(DRAIN + 100);
    expect(simulation.announced.map(({ node }) => node)).toEqual([to.index]);
    expect(from.state.lameDucks.has(vip)).toBe(false);
  });

  it('announces at once when the old owner dies', () => {
    const { simulation, from, to } = moving(seed);
    simulation.crash(from);
    simulation.run(600);
    expect(simulation.announced.filter(({ node }) => node === to.index).map(({ vip }) => vip)).toContain(simulation.vips[0]);
  });

  it('is taken over by the next when the new owner dies, and announced', () => {
    const { simulation, vip, to } = moving(seed);
    simulation.crash(to);
    simulation.run(1_000);
    expect(simulation.observer.targets(vip, 0)).toEqual(new Set([2]));
    expect(simulation.announced.filter(entry => entry.vip === vip).map(({ node }) => node)).toEqual([2]);
    expect(simulation.observer.worstGap).toBeLessThan(550);
  });

  it('ends for the old owner when the address is withdrawn', () => {
    const { simulation, vip, from, to } = moving(seed);
    simulation.plan(vip, undefined);
    simulation.run(500);
    expect(from.state.lameDucks.has(vip)).toBe(false);
    expect(to.state.mine.has(vip)).toBe(false);
  });
});
