import { describe, expect, it } from 'vitest';
import { type SimNode, Simulation } from './simulator.ts';
import type { DesiredAddress } from './state.ts';

const DRAIN = 2_000;
const SEEDS = Array.from({ length: 10 }, (_, seed) => [seed]);

/** Four nodes and one address whose order is 0, 1, 2, 3. */
function world(seed: number, wish: Partial<DesiredAddress>): { simulation: Simulation; owner: () => number | undefined; first: SimNode } {
  const simulation = new Simulation({ nodes: 4, vips: 1, seed, drain: DRAIN, hold: 30_000 });
  const [vip = ''] = simulation.vips;
  simulation.wish(vip, wish);
  simulation.run(2_000);
  const owner = (): number | undefined => simulation.nodes.find(node => node.alive && node.state.mine.has(vip))?.index;
  expect(owner()).toBe(0);
  return { simulation, owner, first: simulation.node(0) };
}

/** The host of node 0 fails and is back after two seconds. */
function fail(simulation: Simulation, node: SimNode): void {
  simulation.crash(node);
  simulation.run(2_000);
  simulation.boot(node);
}

describe.each(SEEDS)('who owns an address in the long run, seed %i', seed => {
  it('nothing moves back by itself', () => {
    const { simulation, owner, first } = world(seed, {});
    fail(simulation, first);
    simulation.run(600_000);
    expect(owner()).toBe(1);
  });

  it('a preferred node takes it back gently, when it has been in order for a while', () => {
    const { simulation, owner, first } = world(seed, { preempt: true, preference: [1, 3] });
    fail(simulation, first);
    simulation.observer.reset();
    simulation.announced.length = 0;
    // Lost once: twice the three seconds.
    simulation.run(4_500);
    expect(owner()).toBe(1);
    simulation.run(4_000);
    expect(owner()).toBe(0);
    expect(simulation.announced).toEqual([]);
    simulation.run(DRAIN + 500);
    expect(simulation.announced.map(({ node }) => node)).toEqual([0]);
    expect(simulation.observer.worstGap).toBe(0);
  });

  it('a node that is as preferred as the owner takes nothing', () => {
    const { simulation, owner, first } = world(seed, { preempt: true, preference: [2, 2] });
    fail(simulation, first);
    simulation.run(120_000);
    expect(owner()).toBe(1);
  });

  it('one that fails again and again waits longer each time', () => {
    const { simulation, owner, first } = world(seed, { preempt: true, preference: [1, 3] });
    const before = simulation.takeovers;
    for (let times = 0; times < 6; times++) {
      fail(simulation, first);
      simulation.run(15_000);
    }
    // Back and forth after the first losses, then left where it is.
    expect(simulation.takeovers - before).toBeLessThanOrEqual(6);
    expect(owner()).toBe(1);
    simulation.run(400_000);
    expect(owner()).toBe(0);
  });

  it('a speaker that restarts loses nothing of its standing', () => {
    const { simulation, owner, first } = world(seed, { preempt: true, preference: [1, 3] });
    for (let times = 0; times < 4; times++) {
      simulation.restart(first, 1_500);
      simulation.run(4_000);
    }
    expect(owner()).toBe(0);
    expect(simulation.node(1).state.steadiness.get(first.id)?.losses).toBe(0);
  });

  it('on request it goes to the first node once, and only if it was taken before', () => {
    const { simulation, owner, first } = world(seed, {});
    const [vip = ''] = simulation.vips;
    fail(simulation, first);
    simulation.run(5_000);
    expect(owner()).toBe(1);
    simulation.observer.reset();
    const asked = simulation.now;
    simulation.wish(vip, { rebalance: asked });
    simulation.run(5_000);
    expect(owner()).toBe(0);
    expect(simulation.observer.worstGap).toBe(0);
    // The request is older than whatever happens next.
    fail(simulation, first);
    simulation.wish(vip, { rebalance: asked });
    simulation.run(60_000);
    expect(owner()).toBe(1);
  });

  it('on request it stays where nobody better takes it, and goes to no worse one', () => {
    const { simulation, owner, first } = world(seed, {});
    const [vip = ''] = simulation.vips;
    simulation.crash(first);
    simulation.run(2_000);
    simulation.wish(vip, { rebalance: simulation.now });
    simulation.run(30_000);
    expect(owner()).toBe(1);
    simulation.boot(first);
    simulation.run(30_000);
    expect(owner()).toBe(0);
  });
});
