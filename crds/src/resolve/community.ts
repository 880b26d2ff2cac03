import type { CommunityValue } from '../config.ts';
import { community } from '../kinds/community.ts';
import { Findings, groupOf, quote, type RawObject, refOf } from './problem.ts';
import { readSpec } from './read.ts';

const MAX_16 = 65_535;
const MAX_32 = 4_294_967_295;

/** Reads `64500:100` (RFC 1997) or `large:64500:1:2` (RFC 8092); `null` when it is neither. */
export function parseCommunity(text: string): CommunityValue | null {
  const standard = /^(\d{1,5}):(\d{1,5})$/.exec(text);
  if (standard !== null) {
    const [high, low] = [Number(standard[1]), Number(standard[2])];
    return high <= MAX_16 && low <= MAX_16 ? { type: 'standard', high, low } : null;
  }
  const large = /^large:(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(text);
  if (large === null) return null;
  const [global, local1, local2] = [Number(large[1]), Number(large[2]), Number(large[3])];
  return Math.max(global, local1, local2) <= MAX_32 ? { type: 'large', global, local1, local2 } : null;
}

export function formatCommunity(value: CommunityValue): string {
  return value.type === 'standard' ? `${value.high}:${value.low}` : `large:${value.global}:${value.local1}:${value.local2}`;
}

/**
 * Reads the aliases of all Community objects, older objects first. An alias that is bad or taken is left out, the others of its object are
 * used; the last good value of an alias stays while its object is unreadable as a whole.
 */
export function readCommunities(objects: readonly RawObject[], previous: ReadonlyMap<string, CommunityValue> | undefined) {
  const aliases = new Map<string, CommunityValue>();
  const owners = new Map<string, string>();
  const findings: Findings[] = [];
  for (const object of objects) {
    const own = new Findings(refOf(object));
    findings.push(own);
    const spec = readSpec(community.spec, object.spec, own);
    for (const [index, { name, value }] of (spec?.communities ?? []).entries()) {
      const field = `spec.communities[${index}]`;
      const parsed = parseCommunity(value);
      const owner = owners.get(name);
      if (owner !== undefined)
        own.error('DuplicateEntry', `${field}.name`, `the alias ${quote(name)} is already defined by ${owner}. Remove one of the two.`);
      else if (parsed === null)
        own.error('InvalidCommunity', `${field}.value`, `${quote(value)} is not a community. Write it as 64500:100 or large:64500:1:2.`);
      const usable = parsed ?? previous?.get(name);
      if (owner === undefined && usable !== undefined) {
        owners.set(name, `Community ${groupOf(own.ref)}/${own.ref.name}`);
        aliases.set(name, usable);
      }
    }
    if (spec === undefined) for (const name of namesIn(object.spec)) carryOver(name);
  }
  function carryOver(name: string): void {
    const value = previous?.get(name);
    if (value !== undefined && !aliases.has(name)) aliases.set(name, value);
  }
  return { aliases, findings };
}

/** The names in a specification that does not fit its schema. */
function namesIn(spec: unknown): string[] {
  if (typeof spec !== 'object' || spec === null || !('communities' in spec) || !Array.isArray(spec.communities)) return [];
  return spec.communities.flatMap((entry: unknown) => {
    return typeof entry === 'object' && entry !== null && 'name' in entry && typeof entry.name === 'string' ? [entry.name] : [];
  });
}
