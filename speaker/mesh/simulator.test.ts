import { describe, expect, it } from 'vitest';
import { peersHaveNewestKey } from './receive.ts';
import { SCENARIOS, type Scenario } from './scenarios/index.ts';
import { simulate } from './simulate.ts';
import { Simulation } from './simulator.ts';

const SEEDS = Array.from({ length: 30 }, (_, seed) => seed);

describe('every scenario within its bounds, 30 runs each', () => {
  it.each(SCENARIOS.map(scenario => [scenario.name, scenario] as const))(
    '%s',
    (_, scenario) => {
      expect(simulate(scenario, SEEDS).failures).toEqual([]);
    },
    60_000,
  );
});

describe('what single runs among a thousand showed once', () => {
  it.each<[string, string, number[], Partial<Scenario>]>([
    [
      'the next but one took an address together with the next, both having lost the one before them',
      'two crash together',
      [473, 882],
      { takeovers: 8 },
    ],
    ['one node answered for a held address while the next had taken it', 'hold ends without a return', [234], { dual: 1 }],
    ['two that had just met again outbid each other in turns', 'lame duck: peers disagree', [366, 387], { takeovers: 28 }],
    ['an answer to a probe made a node look like an owner that was none any more', 'a link flaps ten times', [278, 373, 399], { gap: 500 }],
    [
      'two that started together and missed each other took what the other had',
      'hold: all speakers are killed together and return',
      [123],
      {},
    ],
    ['lost answers of a kernel ended a hold', 'hold, kernel responder with 5 % loss: killed', [45, 61], { dual: 0 }],
  ])('%s', (_, name, seeds, bounds) => {
    const scenario = SCENARIOS.find(some => some.name.startsWith(name));
    if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
    expect(simulate({ ...scenario, ...bounds }, seeds).failures).toEqual([]);
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

it('loses no signed packet while the key is rotated, and signs with the new key once all have it', () => {
  const simulation = new Simulation({ nodes: 4, vips: 60, seed: 1, loss: 0, sealed: true });
  simulation.run(2_000);
  simulation.observer.reset();
  for (const node of simulation.nodes) {
    expect(simulation.nodes.some(({ state }) => peersHaveNewestKey(state) && state.newestKey !== simulation.node(3).state.newestKey)).toBe(
      false,
    );
    simulation.rotate(node);
    simulation.run(500);
  }
  expect(simulation.nodes.every(({ state }) => peersHaveNewestKey(state))).toBe(true);
  expect(simulation.refused).toBe(0);
  expect(simulation.observer.settled()).toEqual([]);
  expect(simulation.observer.worstGap).toBe(0);
});

it('has no scenario twice', () => {
  const names = SCENARIOS.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

function crashRun(): (number | undefined)[][] {
  const simulation = new Simulation({ nodes: 4, vips: 8, seed: 7, loss: 0.05 });
  simulation.run(3_000);
  simulation.crash(simulation.node(0));
  simulation.run(2_000);
  return simulation.vips.map(vip => simulation.nodes.map(node => node.state.mine.get(vip)?.epoch));
}
