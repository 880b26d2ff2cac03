import { describe, expect, it } from 'vitest';
import { Simulation, type SimulationOptions } from './simulator.ts';

/** Four nodes and twelve addresses; node 0, which owned three of them, has crashed and is back, and took nothing back. */
function returned(options: Partial<SimulationOptions> = {}): Simulation {
  const simulation = new Simulation({ nodes: 4, vips: 12, seed: 3, loss: 0, ...options });
  simulation.run(3_000);
  simulation.crash(simulation.node(0));
  simulation.run(2_000);
  simulation.boot(simulation.node(0));
  simulation.run(2_000);
  return simulation;
}

/** How many addresses each node owns. */
function owned(simulation: Simulation): number[] {
  return simulation.nodes.map(({ state }) => state.mine.size);
}

describe('moving addresses to the nodes they are meant for', () => {
  it('a request gives every address to the first of its order, once', () => {
    const simulation = returned();
    expect(owned(simulation)[0]).toBe(0);
    const before = simulation.takeovers;
    simulation.rebalance();
    simulation.run(2_000);
    expect(owned(simulation)).toEqual([3, 3, 3, 3]);
    expect(simulation.takeovers - before).toBe(3);
    simulation.crash(simulation.node(0));
    simulation.run(2_000);
    simulation.boot(simulation.node(0));
    simulation.run(10_000);
    expect(owned(simulation)[0], 'the claims are younger than the request').toBe(0);
  });

  it('a request goes to the first that lives', () => {
    const simulation = returned();
    const [vip = ''] = simulation.vips;
    const [first, second, third, fourth] = simulation.order(vip);
    simulation.crash(simulation.node(0));
    simulation.plan(vip, [first ?? '', fourth ?? '', second ?? '', third ?? '']);
    simulation.run(1_000);
    simulation.rebalance();
    simulation.run(2_000);
    expect(simulation.nodes.find(({ state }) => state.mine.has(vip))?.id).toBe(fourth);
  });

  it('an old request moves nothing when a node comes back', () => {
    const simulation = returned();
    // Older claims than the request, which itself is more than five minutes old.
    for (const { state } of simulation.nodes) for (const claim of state.mine.values()) claim.since -= 400_000;
    simulation.rebalance(simulation.now - 301_000);
    simulation.run(2_000);
    expect(owned(simulation)[0]).toBe(0);
  });

  it('preemption moves addresses back by itself, and only to the first of the order', () => {
    const simulation = returned({ preempt: true });
    simulation.run(5_000);
    expect(owned(simulation)).toEqual([3, 3, 3, 3]);
    const before = simulation.takeovers;
    simulation.crash(simulation.node(0));
    simulation.crash(simulation.node(1));
    simulation.run(2_000);
    // Node 1 is the second choice for what node 0 had: its return moves its own addresses alone.
    simulation.boot(simulation.node(1));
    simulation.run(8_000);
    expect(owned(simulation)[1]).toBe(3);
    expect(simulation.takeovers - before).toBe(9);
  });

  it('a move waits for the established connections, as every planned one', () => {
    const simulation = returned({ drain: 60_000 });
    simulation.rebalance();
    simulation.run(2_000);
    const first = simulation.node(0);
    expect([...first.state.mine.values()].map(({ quiet }) => quiet !== undefined)).toEqual([true, true, true]);
  });
});
