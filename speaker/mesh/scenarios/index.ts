import { FAULTS } from './faults.ts';
import { HANDOVERS } from './handover.ts';
import { HOLDS } from './hold.ts';
import { LAME_DUCKS } from './lame-duck.ts';
import { PREEMPTIONS } from './preempt.ts';
import { PREEMPTION } from './preemption.ts';
import { CHANGES } from './readiness.ts';
import type { Scenario } from './scenario.ts';
import { SEGMENTS } from './segments.ts';
import { STRANGERS } from './strangers.ts';

export { LARGE } from './large.ts';
export type { Scenario } from './scenario.ts';

/** Everything the mesh must survive. Bounds are those of the worst run among thousands, with a margin for the tick. */
export const SCENARIOS: readonly Scenario[] = [
  ...FAULTS,
  ...HANDOVERS,
  ...PREEMPTION,
  ...CHANGES,
  ...HOLDS,
  ...LAME_DUCKS,
  ...PREEMPTIONS,
  ...SEGMENTS,
  ...STRANGERS,
];
