export { Allocator, buildRequest } from '../allocator/index.ts';
export { configKinds } from '../resources.ts';
export { ingressAddresses, type Service } from '../service-status.ts';
export { claimsOf } from '../service-view.ts';
export { eventually, herald, type Replica, TestCluster } from './test-cluster.ts';
export { type Fault, type Passing, TestProxy } from './test-proxy.ts';
