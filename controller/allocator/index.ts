export { Allocator, type AllocatorConfig, type PoolUsage, type Retained } from './allocator.ts';
export type { AddressChange, AllocationRequest, Assignment, Cause, Claim, FamilyPolicy, Outcome, PortNumber } from './entry.ts';
export * from './request.ts';
