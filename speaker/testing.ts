/** What tests and benchmarks of the wire need beside `runSpeaker`. */
export * from './layer2/arp.ts';
export * from './layer2/ethernet.ts';
export { mutate } from './layer2/fuzz.ts';
export * from './layer2/ndp.ts';
export { nodeIdOf } from './mesh/authentication.ts';
export { seededRandom } from './mesh/random.ts';
export { MESH_PROFILES } from './mesh/timers.ts';
export type { SegmentReport, WireAddress, WireCommand, WireEvent, WireOptions } from './wire/messages.ts';
export { WireThread } from './wire/thread.ts';
