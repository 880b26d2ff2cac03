export { runController } from './controller.ts';
export { identityOn } from './holder.ts';
export { parseProtectedPorts } from './node-mode/index.ts';
export type { ControllerOptions, LeaderElectionOptions } from './options.ts';
