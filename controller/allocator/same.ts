import type { Labels, Pool, Reservation, Selector } from '@herald/crds';
import { type Address, equalAddresses } from '@herald/ip';
import type { AllocationRequest } from './entry.ts';

// What is the same need not be looked at again: objects are parsed anew at every event, and most events change nothing here.

export function sameRequest(a: AllocationRequest, b: AllocationRequest): boolean {
  return (
    a.uid === b.uid &&
    a.createdAt === b.createdAt &&
    a.policy === b.policy &&
    a.pool === b.pool &&
    a.sharingKey === b.sharingKey &&
    a.trafficPolicy === b.trafficPolicy &&
    a.selector === b.selector &&
    a.keepAddress === b.keepAddress &&
    a.terminating === b.terminating &&
    a.problem?.reason === b.problem?.reason &&
    a.problem?.message === b.problem?.message &&
    sameList(a.families, b.families, Object.is) &&
    sameList(a.addresses, b.addresses, equalAddresses) &&
    sameList(a.ports, b.ports, (p, q) => p.port === q.port && p.protocol === q.protocol) &&
    sameLabels(a.labels, b.labels)
  );
}

export function samePool(a: Pool, b: Pool): boolean {
  return (
    a.name === b.name &&
    a.autoAssign === b.autoAssign &&
    a.avoidBuggyIPs === b.avoidBuggyIPs &&
    a.priority === b.priority &&
    a.drain === b.drain &&
    a.suspended === b.suspended &&
    a.onRemoval === b.onRemoval &&
    a.reuseDelay === b.reuseDelay &&
    a.allowCrossNamespaceSharing === b.allowCrossNamespaceSharing &&
    a.ranges.equals(b.ranges) &&
    a.excluded.equals(b.excluded) &&
    (a.allocation === null) === (b.allocation === null) &&
    sameSet(a.allocation?.namespaces ?? none, b.allocation?.namespaces ?? none) &&
    sameList(a.allocation?.namespaceSelectors ?? [], b.allocation?.namespaceSelectors ?? [], sameSelector) &&
    sameList(a.allocation?.serviceSelectors ?? [], b.allocation?.serviceSelectors ?? [], sameSelector) &&
    sameList(a.quotas, b.quotas, (p, q) => p.addresses === q.addresses && sameSelector(p.namespaceSelector, q.namespaceSelector))
  );
}

export function sameReservation(a: Reservation, b: Reservation | undefined): boolean {
  return (
    b !== undefined &&
    a.name === b.name &&
    a.service.namespace === b.service.namespace &&
    a.service.name === b.service.name &&
    a.pool === b.pool &&
    sameList<Address>(a.addresses, b.addresses, equalAddresses) &&
    sameList(a.families, b.families, Object.is)
  );
}

export function sameLabels(a: Labels, b: Labels): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every(key => Object.hasOwn(b, key) && a[key] === b[key]);
}

const none: ReadonlySet<string> = new Set();

function sameSelector(a: Selector, b: Selector): boolean {
  return sameList(a.requirements, b.requirements, (p, q) => p.key === q.key && p.operator === q.operator && sameSet(p.values, q.values));
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every(item => b.has(item));
}

function sameList<T>(a: readonly T[], b: readonly T[], same: (x: T, y: T) => boolean): boolean {
  return a.length === b.length && a.every((item, i) => same(item, b[i] as T));
}
