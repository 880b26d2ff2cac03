import {
  type Address,
  type CidrOptions,
  formatRange,
  IpError,
  parseAddress,
  parseRange,
  type Range,
  RangeSet,
  rangesOverlap,
} from '@herald/ip';
import type { z } from 'zod';
import type { ConfigurationReason } from '../reasons/index.ts';
import { type LabelSelectorSource, parseSelector, type Selector } from '../selector.ts';
import { type Findings, groupOf, quote } from './problem.ts';

// Reads parts of specifications; what cannot be read becomes a problem and is left out.

const MAX_ISSUES = 8;

/** Checks a specification against its schema and fills in the defaults. `undefined` when it does not fit. */
export function readSpec<S extends z.ZodObject>(schema: S, spec: unknown, findings: Findings): z.output<S> | undefined {
  const source = groupOf(findings.ref) === 'metallb.io' ? withoutEmpty(spec) : spec;
  const result = schema.safeParse(source ?? {});
  if (result.success) return result.data;
  for (const issue of result.error.issues.slice(0, MAX_ISSUES)) {
    findings.error('InvalidField', pathOf(issue.path), `${issue.message}. Correct the field.`);
  }
  return undefined;
}

/** MetalLB stores unset fields as empty texts, zeros and empty references, which its schema allows and ours takes for values. */
function withoutEmpty(spec: unknown): unknown {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) return spec;
  const zeroMeansUnset = new Set(['peerASN', 'localASN', 'peerPort', 'localPref', 'aggregationLength', 'aggregationLengthV6']);
  const entries = Object.entries(spec).filter(([key, value]) => {
    if (value === '' || value === null) return false;
    // Versions whose times were no pointers wrote 0s for "not set". Who means 0 gets it from the router: the smaller of the two counts.
    if (value === '0s' && (key === 'holdTime' || key === 'keepaliveTime')) return false;
    if (value === 0 && zeroMeansUnset.has(key)) return false;
    return !(key === 'passwordSecret' && typeof value === 'object' && (!('name' in value) || value.name === ''));
  });
  return Object.fromEntries(entries);
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${String(key)}`), 'spec');
}

const reasonOf = (error: unknown): ConfigurationReason =>
  error instanceof IpError && error.code === 'RANGE_REVERSED' ? 'RangeReversed' : 'InvalidAddress';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** CIDRs are masked to their prefix: `192.168.10.100/24` is the whole /24, as in MetalLB. */
const masked: CidrOptions = { hostBits: 'mask' };

/** Reads CIDRs and ranges. Entries that overlap each other are an error. */
export function readRanges(entries: readonly string[], field: string, findings: Findings): RangeSet {
  const ranges: { range: Range; field: string; text: string }[] = [];
  for (const [index, text] of entries.entries()) {
    const at = `${field}[${index}]`;
    try {
      const range = parseRange(text, masked);
      const other = ranges.find(seen => rangesOverlap(seen.range, range));
      if (other === undefined) ranges.push({ range, field: at, text });
      else
        findings.error('OverlappingAddresses', at, `${quote(text)} overlaps ${other.field} ${quote(other.text)}. Write each address once.`);
    } catch (error) {
      findings.error(reasonOf(error), at, `${messageOf(error)}. Correct or remove the entry.`);
    }
  }
  return RangeSet.of(ranges.map(({ range }) => range));
}

/** Reads CIDRs and ranges for whom overlaps do not matter; single addresses are welcome as well. */
export function readExclusions(entries: readonly string[], field: string, findings: Findings): { ranges: Range[]; texts: string[] } {
  const ranges: Range[] = [];
  const texts: string[] = [];
  for (const [index, text] of entries.entries()) {
    try {
      ranges.push(parseRange(text, masked));
      texts.push(text);
    } catch (error) {
      findings.error(reasonOf(error), `${field}[${index}]`, `${messageOf(error)}. Correct or remove the entry.`);
    }
  }
  return { ranges, texts };
}

export function readAddress(text: string, field: string, findings: Findings): Address | null {
  try {
    return parseAddress(text);
  } catch (error) {
    findings.error('InvalidAddress', field, `${messageOf(error)}. Correct the field.`);
    return null;
  }
}

export function readSelector(source: LabelSelectorSource, field: string, findings: Findings): Selector | null {
  const result = parseSelector(source);
  if (result.ok) return result.selector;
  findings.error('InvalidSelector', field, `${result.error}. Correct the requirement.`);
  return null;
}

export function readSelectors(sources: readonly LabelSelectorSource[] | undefined, field: string, findings: Findings): Selector[] {
  return (sources ?? []).flatMap((source, index) => readSelector(source, `${field}[${index}]`, findings) ?? []);
}

/** Names the common part of two sets of addresses, shortened when it has many pieces. */
export function describeRanges(set: RangeSet): string {
  const pieces = set.ranges.slice(0, 3).map(formatRange);
  return set.ranges.length > pieces.length
    ? `${pieces.join(', ')} and ${set.ranges.length - pieces.length} more ranges`
    : pieces.join(', ');
}
