export { deadNodes } from './liveness.ts';
export { NodeMode, type NodeModeOptions } from './node-mode.ts';
export { defaultProtectedPorts, type ProtectedPorts, parseProtectedPorts } from './protected-ports.ts';
