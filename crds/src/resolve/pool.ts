import { parseRange, RangeSet } from '@herald/ip';
import type { z } from 'zod';
import type { Pool, PoolAllocation, Quota } from '../config.ts';
import { parseDuration } from '../duration.ts';
import { ipAddressPool } from '../kinds/ip-address-pool.ts';
import { Findings, type RawObject, refOf } from './problem.ts';
import { describeRanges, readExclusions, readRanges, readSelector, readSelectors, readSpec } from './read.ts';

type Spec = z.output<typeof ipAddressPool.spec>;

/** Reads one pool. A pool that cannot be read falls back on its last good version, then on the addresses its status tells. */
export function readPool(object: RawObject, previous: Pool | undefined): { pool: Pool | undefined; findings: Findings } {
  const findings = new Findings(refOf(object));
  const spec = readSpec(ipAddressPool.spec, object.spec, findings);
  const pool = spec === undefined ? undefined : poolOf(spec, object, findings);
  if (!findings.failed && pool !== undefined) return { pool, findings };
  return { pool: previous ?? survivor(object, pool, findings), findings };
}

function poolOf(spec: Spec, object: RawObject, findings: Findings): Pool {
  const ranges = readRanges(spec.addresses, 'spec.addresses', findings);
  const exclusions = readExclusions(spec.excludedAddresses ?? [], 'spec.excludedAddresses', findings);
  for (const [index, range] of exclusions.ranges.entries()) {
    if (RangeSet.of([range]).overlaps(ranges)) continue;
    findings.warn(
      'ExclusionOutsidePool',
      `spec.excludedAddresses[${index}]`,
      `${exclusions.texts[index]} is not in the pool, so it excludes nothing. Correct or remove the entry.`,
    );
  }
  const excluded = RangeSet.of(exclusions.ranges).intersection(ranges);
  if (!ranges.isEmpty && excluded.equals(ranges))
    findings.warn('NothingToGive', 'spec.excludedAddresses', 'Every address of the pool is excluded. Remove exclusions or add addresses.');
  const reuseDelay = parseDuration(spec.reuseDelay);
  if (reuseDelay === null)
    findings.error('InvalidDuration', 'spec.reuseDelay', `${JSON.stringify(spec.reuseDelay)} is not a duration. Write it as 90s or 10m.`);
  return {
    ref: findings.ref,
    name: findings.ref.name,
    labels: object.metadata?.labels ?? {},
    ranges,
    excluded,
    autoAssign: spec.autoAssign,
    avoidBuggyIPs: spec.avoidBuggyIPs,
    priority: spec.serviceAllocation?.priority || Number.POSITIVE_INFINITY,
    allocation: allocationOf(spec.serviceAllocation, findings),
    drain: spec.drain,
    onRemoval: spec.onRemoval,
    reuseDelay: reuseDelay ?? 0,
    allowCrossNamespaceSharing: spec.allowCrossNamespaceSharing,
    quotas: (spec.quotas ?? []).flatMap(({ namespaceSelector, addresses }, index): Quota[] => {
      const selector = readSelector(namespaceSelector, `spec.quotas[${index}].namespaceSelector`, findings);
      return selector === null ? [] : [{ namespaceSelector: selector, addresses }];
    }),
    suspended: null,
  };
}

function allocationOf(source: Spec['serviceAllocation'], findings: Findings): PoolAllocation | null {
  if (source === undefined) return null;
  const path = 'spec.serviceAllocation';
  const namespaces = source.namespaces ?? [];
  for (const [index, name] of namespaces.entries()) {
    if (namespaces.indexOf(name) !== index)
      findings.error('DuplicateEntry', `${path}.namespaces[${index}]`, `${name} is listed twice. Remove one of the two.`);
  }
  const allocation = {
    namespaces: new Set(namespaces),
    namespaceSelectors: readSelectors(source.namespaceSelectors, `${path}.namespaceSelectors`, findings),
    serviceSelectors: readSelectors(source.serviceSelectors, `${path}.serviceSelectors`, findings),
  };
  return allocation.namespaces.size + allocation.namespaceSelectors.length + allocation.serviceSelectors.length === 0 ? null : allocation;
}

/**
 * What is left of a pool that cannot be read after a restart, when no last good version is known: the addresses its status says were
 * in force, else the entries that can be read. Nothing new is given out of it; its only purpose is that nobody loses an address.
 */
function survivor(object: RawObject, readable: Pool | undefined, findings: Findings): Pool | undefined {
  const ranges = statusRanges(object.status) ?? readable?.ranges ?? RangeSet.empty;
  if (ranges.isEmpty) return undefined;
  return {
    ref: findings.ref,
    name: findings.ref.name,
    labels: object.metadata?.labels ?? {},
    ranges,
    excluded: RangeSet.empty,
    autoAssign: readable?.autoAssign ?? false,
    avoidBuggyIPs: readable?.avoidBuggyIPs ?? false,
    priority: Number.POSITIVE_INFINITY,
    allocation: null,
    drain: true,
    onRemoval: readable?.onRemoval ?? 'Reallocate',
    reuseDelay: readable?.reuseDelay ?? 0,
    allowCrossNamespaceSharing: readable?.allowCrossNamespaceSharing ?? false,
    quotas: [],
    suspended: 'InvalidSpec',
  };
}

function statusRanges(status: unknown): RangeSet | undefined {
  if (typeof status !== 'object' || status === null || !('addresses' in status) || !Array.isArray(status.addresses)) return undefined;
  try {
    // A range of one is written as a plain address there.
    const entries = status.addresses.map(String).map(text => (/[-/]/.test(text) ? text : `${text}-${text}`));
    return RangeSet.of(entries.map(text => parseRange(text, { hostBits: 'mask' })));
  } catch {
    return undefined;
  }
}

/**
 * Takes pools in the order of their age and suspends each one that overlaps an older one, leaving it only the addresses that are its own.
 * So the outcome does not depend on the order of events, and a restart changes nothing.
 */
export function separatePools(pools: readonly { pool: Pool; findings: Findings }[]): Pool[] {
  const accepted: Pool[] = [];
  for (const { pool, findings } of pools) {
    const others = accepted.filter(other => other.ranges.overlaps(pool.ranges));
    for (const other of others) {
      const common = describeRanges(other.ranges.intersection(pool.ranges));
      findings.error(
        'OverlapsOtherPool',
        'spec.addresses',
        `overlaps the older pool ${other.name} in ${common}. Remove the range from one of the two; until then nothing new is given out of this pool.`,
      );
    }
    if (others.length === 0) accepted.push(pool);
    else {
      const own = others.reduce((rest, other) => rest.difference(other.ranges), pool.ranges);
      accepted.push({ ...pool, ranges: own, excluded: pool.excluded.intersection(own), drain: true, suspended: 'OverlapsOtherPool' });
    }
  }
  return accepted.toSorted(comparePools);
}

/** The order in which pools are tried: by priority, then by name. Never random. */
export function comparePools(a: Pool, b: Pool): number {
  if (a.priority !== b.priority) return a.priority < b.priority ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
