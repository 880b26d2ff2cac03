import { type LabelSelectorSource, type Pool, parseSelector, type Reservation, type Selector } from '@herald/crds';
import { formatAddress, parseAddress, parseRange, RangeSet } from '@herald/ip';
import type { Allocator } from './allocator.ts';
import type { AllocationRequest, Claim, Outcome } from './entry.ts';

// Short forms for tests: a pool, a request, a claim, and answers as text.

export function selector(source: LabelSelectorSource): Selector {
  const result = parseSelector(source);
  if (!result.ok) throw new Error(result.error);
  return result.selector;
}

export function pool(name: string, ranges: readonly string[], more: Partial<Pool> = {}): Pool {
  return {
    ref: { apiVersion: 'heraldlb.io/v1beta1', kind: 'IPAddressPool', namespace: 'herald-system', name },
    name,
    labels: {},
    ranges: rangeSet(...ranges),
    excluded: RangeSet.empty,
    autoAssign: true,
    avoidBuggyIPs: false,
    priority: Number.POSITIVE_INFINITY,
    allocation: null,
    drain: false,
    onRemoval: 'Reallocate',
    reuseDelay: 0,
    allowCrossNamespaceSharing: false,
    quotas: [],
    suspended: null,
    ...more,
  };
}

export function rangeSet(...ranges: string[]): RangeSet {
  return RangeSet.of(ranges.map(range => parseRange(range)));
}

export function reservation(
  name: string,
  service: string,
  keeps: { addresses?: string[]; pool?: string; families?: (4 | 6)[] },
): Reservation {
  const [namespace = '', serviceName = ''] = service.split('/');
  return {
    ref: { apiVersion: 'heraldlb.io/v1beta1', kind: 'IPReservation', namespace, name },
    name,
    service: { namespace, name: serviceName },
    addresses: (keeps.addresses ?? []).map(parseAddress),
    pool: keeps.pool ?? null,
    families: keeps.families ?? (keeps.pool === undefined ? [] : [4]),
  };
}

/** `createdAt` is 0 unless given: then the key decides who is older. */
export function request(
  key: string,
  more: Partial<Omit<AllocationRequest, 'addresses'>> & { addresses?: string[] } = {},
): AllocationRequest {
  const [namespace = '', name = ''] = key.split('/');
  const { addresses = [], ...rest } = more;
  return {
    key,
    namespace,
    name,
    uid: `uid of ${key}`,
    createdAt: 0,
    labels: {},
    families: [4],
    policy: 'SingleStack',
    pool: null,
    sharingKey: null,
    ports: [{ protocol: 'TCP', port: 80 }],
    trafficPolicy: 'Cluster',
    selector: 'app=x',
    keepAddress: false,
    terminating: false,
    problem: null,
    ...rest,
    addresses: addresses.map(parseAddress),
  };
}

export const dual = { families: [4, 6], policy: 'RequireDualStack' } as const;
export const prefer = { families: [4, 6], policy: 'PreferDualStack' } as const;

export function claims(...texts: string[]): Claim[] {
  return texts.map(text => ({ address: parseAddress(text) }));
}

/** `10.0.0.1,fc00::1`, and the reason behind a `!` where the request is not met. */
export function answer(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'none';
  const addresses = outcome.addresses.map(({ address }) => formatAddress(address)).join(',');
  return outcome.satisfied ? addresses : `${addresses}!${outcome.reason}`;
}

/** Answers of all Services named, as one object. */
export function answers(allocator: Allocator, ...keys: string[]): Record<string, string> {
  return Object.fromEntries(keys.map(key => [key, answer(allocator.outcome(key))]));
}
