import { parseArgs } from 'node:util';
import { LARGE, SCENARIOS, type Scenario } from './scenarios/index.ts';
import { Simulation } from './simulator.ts';

export interface Result {
  scenario: string;
  runs: number;
  worstGap: number;
  worstDual: number;
  takeovers: number;
  notConverged: number;
  /** Why a run broke a bound, with its seed. */
  failures: string[];
}

/** Runs a scenario with every seed and keeps the worst of each figure. */
export function simulate(scenario: Scenario, seeds: readonly number[]): Result {
  const result: Result = { scenario: scenario.name, runs: 0, worstGap: 0, worstDual: 0, takeovers: 0, notConverged: 0, failures: [] };
  for (const seed of seeds.slice(0, scenario.seeds)) {
    const options = { nodes: 6, vips: 24, ...scenario.options };
    const first = new Simulation({ ...options, seed });
    // Two simulations share nothing, as the segments of a process share no state of the mesh. What they can show is that the bounds hold for
    // either while the other one is in trouble; that addresses, frames and link events stay on their own segment is shown with real NICs.
    const second = scenario.segments === true ? new Simulation({ ...options, seed: seed + 1_000_000 }) : first;
    const segments = [...new Set([first, second])];
    for (const segment of segments) settle(segment);
    const before = segments.map(({ takeovers }) => takeovers);
    const broken: string[] = [];
    try {
      scenario.run(first, second);
    } catch (error) {
      broken.push(String(error));
    }
    for (const [index, segment] of segments.entries()) {
      segment.run(2_000);
      broken.push(...judge(segment, scenario, before[index] ?? 0, result));
    }
    result.runs += 1;
    if (broken.length > 0) result.failures.push(`seed ${seed}: ${broken.join('; ')}`);
  }
  return result;
}

/** Until everything has its owner; what happened until then does not count. */
function settle(simulation: Simulation): void {
  simulation.run(1_500);
  simulation.observer.reset();
  simulation.announced.length = 0;
}

/** Which bounds a run broke. */
function judge(simulation: Simulation, scenario: Scenario, before: number, result: Result): string[] {
  const { worstGap, worstDual } = simulation.observer;
  const takeovers = simulation.takeovers - before;
  const announced = simulation.announced.length;
  const wrong = simulation.observer.settled();
  result.worstGap = Math.max(result.worstGap, worstGap);
  result.worstDual = Math.max(result.worstDual, worstDual);
  result.takeovers = Math.max(result.takeovers, takeovers);
  if (wrong.length > 0) result.notConverged += 1;
  return [
    ...(worstGap > scenario.gap ? [`gap ${worstGap.toFixed(1)} ms`] : []),
    ...(worstDual > scenario.dual ? [`two owners for ${worstDual.toFixed(1)} ms`] : []),
    ...(takeovers > scenario.takeovers ? [`${takeovers} takeovers`] : []),
    ...(announced > (scenario.announced ?? Number.POSITIVE_INFINITY) ? [`${announced} announcements`] : []),
    ...(simulation.observer.overStrangers.size > 0
      ? [`answered over a stranger: ${[...simulation.observer.overStrangers].join(', ')}`]
      : []),
    ...(simulation.refused > 0 ? [`${simulation.refused} packets refused`] : []),
    ...wrong.slice(0, 3),
  ];
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`.padStart(9);
}

/** Prints the table; `node --import tsx speaker/mesh/simulate.ts --seeds 1000 [--large] [--only TEXT]`. */
function main(): void {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '30' },
      large: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
    },
  });
  const seeds = Array.from({ length: Number(values.seeds) }, (_, seed) => seed);
  const scenarios = [...SCENARIOS, ...(values.large ? LARGE : [])].filter(scenario => scenario.name.includes(values.only));
  let failed = 0;
  process.stdout.write(`${'scenario'.padEnd(90)}  runs  worst gap  worst dual  takeovers  not converged\n`);
  for (const scenario of scenarios) {
    const result = simulate(scenario, seeds);
    process.stdout.write(
      `${scenario.name.padEnd(90)}  ${String(result.runs).padStart(4)}  ${ms(result.worstGap)}  ${ms(result.worstDual).padStart(10)}  ${String(result.takeovers).padStart(9)}  ${String(result.notConverged).padStart(13)}\n`,
    );
    for (const failure of result.failures.slice(0, 3)) process.stdout.write(`    ${failure}\n`);
    failed += result.failures.length;
  }
  process.exitCode = failed > 0 ? 1 : 0;
}

if (import.meta.filename === process.argv[1]) main();
