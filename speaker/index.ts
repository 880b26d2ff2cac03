export { cleanupNode } from './cleanup.ts';
export { SpeakerError, type SpeakerErrorCode } from './error.ts';
export { MESH_PROFILES, type MeshProfile } from './mesh/timers.ts';
export { MESH_PORT, MESH_SECRET, type SpeakerOptions } from './options.ts';
export { runSpeaker } from './run.ts';
