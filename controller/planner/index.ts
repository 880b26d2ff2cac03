export * from './inputs.ts';
export type { ListLength } from './order.ts';
export { type Plan, type PlanChange, Planner, type PlannerOptions } from './planner.ts';
export { hashText } from './rendezvous.ts';
export type { PlannerConfig } from './topology.ts';
