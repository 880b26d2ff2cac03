export { runController } from './controller.ts';
export type { ControllerOptions, LeaderElectionOptions } from './options.ts';
