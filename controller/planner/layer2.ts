import type { L2AdvertisementConfig, Layer2Plan } from '@herald/crds';
import { byClass, type Ranked } from './order.ts';
import type { Layer2Scope } from './topology.ts';
import type { Wish } from './wish.ts';

/** What all Services of one address want by layer 2, taken together. */
export interface SharedWish {
  readonly advertisements: readonly L2AdvertisementConfig[];
  readonly candidates: readonly Ranked[];
  /** The scope whose candidates these are, all of them; null: they were narrowed. */
  readonly whole: Layer2Scope | null;
}

/**
 * Services on one address have one owner: a node must be eligible for each of them that is announced at all, on an interface that
 * each of them allows. One that is not announced by layer 2 (no advertisement, no endpoints) does not stand in the way of the others.
 */
export function intersect(wishes: readonly Wish[]): SharedWish | null {
  const wanted = wishes.flatMap(({ layer2 }) => (layer2 === null ? [] : [layer2]));
  const [first, ...others] = wanted;
  if (first === undefined) return null;
  const isWhole = first.candidates === first.scope.candidates && others.every(other => other.candidates === first.candidates);
  if (isWhole) return { advertisements: first.advertisements, candidates: first.candidates, whole: first.scope };
  let candidates = first.candidates;
  for (const other of others) {
    if (other.candidates === candidates) continue;
    const theirs = new Map(other.candidates.map(candidate => [candidate.name, candidate]));
    candidates = candidates.flatMap(candidate => {
      const twin = theirs.get(candidate.name);
      if (twin === undefined) return [];
      const interfaces = common(candidate.interfaces, twin.interfaces);
      if (interfaces?.length === 0) return [];
      return [{ ...candidate, interfaces, score: candidate.score + twin.score }];
    });
  }
  return { advertisements: [...new Set(wanted.flatMap(({ advertisements }) => advertisements))], candidates, whole: null };
}

function common(a: readonly string[] | null, b: readonly string[] | null): readonly string[] | null {
  if (a === null || b === null) return a ?? b;
  return a.filter(name => b.includes(name));
}

const all: readonly string[] = [];

/** The plan for an address, given its nodes in order. */
export function layer2PlanOf({ advertisements }: SharedWish, order: readonly Ranked[]): Layer2Plan {
  const usual = mostFrequent(order.map(({ interfaces }) => interfaces ?? all));
  const others = order.flatMap(({ name, interfaces }) => {
    const own = interfaces ?? all;
    return own === usual || own.join() === usual.join() ? [] : [{ node: name, interfaces: [...own] }];
  });
  const holds = advertisements.flatMap(ad => ad.hold ?? []);
  const drains = advertisements.flatMap(ad => ad.drain ?? []);
  return {
    nodes: order.map(({ name }) => name),
    interfaces: [...usual],
    ...(others.length === 0 ? {} : { nodeInterfaces: others }),
    ...(advertisements.some(ad => ad.preemption === 'Preferred') ? { preemption: 'Preferred' as const, preference: groupsOf(order) } : {}),
    ...(holds.length === 0 ? {} : { holdSeconds: Math.ceil(Math.max(...holds) / 1000) }),
    ...(drains.length === 0 ? {} : { drainSeconds: Math.ceil(Math.max(...drains) / 1000) }),
  };
}

/** Sizes of the runs of nodes that nothing but balance decides between. */
function groupsOf(order: readonly Ranked[]): number[] {
  const sizes: number[] = [];
  for (const [place, node] of order.entries()) {
    const before = order[place - 1];
    if (before !== undefined && byClass(before, node) === 0) sizes.push((sizes.pop() ?? 0) + 1);
    else sizes.push(1);
  }
  return sizes;
}

/** Ties go to the one that is first in order, so that the outcome does not depend on anything else. */
function mostFrequent(lists: readonly (readonly string[])[]): readonly string[] {
  if (lists.every(list => list === lists[0])) return lists[0] ?? all;
  const counts = new Map<string, { list: readonly string[]; count: number }>();
  for (const list of lists) {
    const known = counts.get(list.join());
    if (known === undefined) counts.set(list.join(), { list, count: 1 });
    else known.count++;
  }
  let best: { list: readonly string[]; count: number } = { list: [], count: 0 };
  for (const entry of counts.values()) {
    if (entry.count > best.count || (entry.count === best.count && entry.list.join() < best.list.join())) best = entry;
  }
  return best.list;
}
