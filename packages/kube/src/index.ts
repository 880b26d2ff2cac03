export { ApiError, type ApiErrorCode, isApiError, type StatusDetails } from './api-error.ts';
export { Backoff, type BackoffOptions } from './backoff.ts';
export {
  type ApplyOptions,
  type CallOptions,
  Client,
  type ConnectOptions,
  connect,
  connectTo,
  connectWith,
  type DeleteOptions,
  type ListOptions,
  type ObjectOptions,
  type Page,
  type PartialObject,
  type PatchOptions,
  type Selection,
  type WatchOptions,
  type WriteOptions,
} from './client.ts';
export { type Clock, microTime, type Random, sleep, systemClock, systemRandom, type Timer, time } from './clock.ts';
export { type Condition, findCondition, isTrue, setCondition } from './conditions.ts';
export {
  type Credentials,
  fromKubeConfig,
  type Identity,
  inClusterCredentials,
  kubeConfigCredentials,
  staticCredentials,
} from './credentials.ts';
export { type EventInput, EventRecorder, type EventRecorderOptions } from './event-recorder.ts';
export { Informer, type InformerEvent, type InformerOptions } from './informer.ts';
export { LeaderElector, type LeaderElectorOptions, leaseLost } from './leader-elector.ts';
export { isOwnedBy, ownerReference } from './owner-reference.ts';
export {
  apiVersionOf,
  configMaps,
  coreEvents,
  customResourceDefinitions,
  endpointSlices,
  events,
  leases,
  namespaces,
  nodes,
  pathOf,
  type Resource,
  resource,
  secrets,
  services,
} from './resource.ts';
export { type Indexers, Store } from './store.ts';
export { TokenBucket } from './token-bucket.ts';
export { type RequestObservation, Transport, type TransportOptions } from './transport.ts';
export type { WatchEvent } from './watch-stream.ts';
export { type KubeObject, keyOf, type ObjectMeta, type Ref, refOf, type Wire } from './wire.ts';
export { type QueueObserver, type Requeue, WorkQueue, type WorkQueueOptions, whenIdle } from './work-queue.ts';
