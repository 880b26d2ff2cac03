export * from './config.ts';
export {
  type AnyKind,
  apiVersion,
  type CustomResourceDefinition,
  type CustomResourceKind,
  group,
  toCustomResourceDefinition,
  version,
} from './define.ts';
export * from './drain.ts';
export { formatDuration, parseDuration } from './duration.ts';
export * from './kinds/announcement.ts';
export * from './kinds/bfd-profile.ts';
export * from './kinds/bgp-advertisement.ts';
export * from './kinds/bgp-peer.ts';
export * from './kinds/community.ts';
export { kinds } from './kinds/index.ts';
export * from './kinds/ip-address-pool.ts';
export * from './kinds/ip-reservation.ts';
export * from './kinds/l2-advertisement.ts';
export * from './kinds/speaker.ts';
export * from './metallb.ts';
export * from './object.ts';
export * from './reasons/index.ts';
export { formatCommunity, parseCommunity } from './resolve/community.ts';
export type { ConditionOutcome, ObjectOutcome } from './resolve/outcome.ts';
export { comparePools } from './resolve/pool.ts';
export { groupOf, objectKey, type Problem, type RawObject } from './resolve/problem.ts';
export { emptyConfig, type Resolution, resolve } from './resolve.ts';
export * from './selector.ts';
