import { define, isObject, type Json, type JsonObject } from '../schema/json.ts';
import type { SchemaNode } from '../schema/node.ts';
import { fieldSet } from './compare.ts';
import { difference, type FieldSet, intersection, isEmpty, union } from './field-set.ts';
import { childNode, isNamedField, isVoid, itemElement, shapeOf } from './typed.ts';

/** Merges an applied configuration into the live object: what it sets wins, what it does not mention stays. */
export function mergeTyped(live: Json | undefined, config: Json | undefined, node: SchemaNode | undefined): Json | undefined {
  if (config === undefined) return live;
  if (live === undefined) return config;
  const shape = isVoid(live) && isVoid(config) ? 'leaf' : shapeOf(node, config);
  if (shape === 'map' && isObject(live) && isObject(config)) {
    const result: JsonObject = {};
    for (const key of new Set([...Object.keys(live), ...Object.keys(config)]))
      define(result, key, mergeTyped(live[key], config[key], childNode(node, key)));
    return result;
  }
  if (shape === 'list' && Array.isArray(live) && Array.isArray(config) && node) return mergeList(live, config, node);
  if (shape !== 'leaf' && isVoid(config) && config !== null) return live;
  return config;
}

/** The applied order for what is applied; items of others keep their place before what followed them. */
function mergeList(live: Json[], config: Json[], node: SchemaNode): Json[] {
  const left = live.map((item, i) => itemElement(node, item, i));
  const right = config.map((item, i) => itemElement(node, item, i));
  const inRight = new Set(right);
  const inLeft = new Map(left.map((element, i) => [element, live[i]]));
  const shared = right.filter(element => inLeft.has(element));
  const merged = new Set<string>();
  const result: Json[] = [];
  let l = 0;
  let r = 0;
  const take = (element: string, item: Json | undefined) => {
    const value = mergeTyped(inLeft.get(element), item, node.items);
    if (value !== undefined) result.push(value);
    merged.add(element);
    if (shared[0] === element) shared.shift();
  };
  while (l < left.length || r < right.length) {
    const mine = left[l];
    const theirs = right[r];
    if (mine !== undefined && theirs !== undefined) {
      if (mine === theirs) {
        take(mine, config[r]);
        l++;
        r++;
        continue;
      }
      if (inRight.has(mine) && shared[0] !== undefined && shared[0] !== mine) {
        l++; // a shared item whose turn in the applied order has not come
        continue;
      }
    }
    if (mine !== undefined) {
      if (!inRight.has(mine)) {
        result.push(live[l] as Json);
        l++;
        continue;
      }
      if (merged.has(mine)) {
        l++;
        continue;
      }
    }
    if (theirs !== undefined) {
      take(theirs, config[r]);
      r++;
    } else l++;
  }
  return result;
}

/** What is left of a list or map that lost all it held: it is still there, and whoever set it empty still owns it. */
const emptyLike = (value: Json | undefined): Json => (Array.isArray(value) ? [] : {});

/** A copy of `value` without the fields of `set`; undefined when nothing is left. */
export function removeFields(value: Json, set: FieldSet, node: SchemaNode | undefined): Json | undefined {
  if (Array.isArray(value)) {
    if (!node || shapeOf(node, value) === 'leaf') return undefined;
    const items: Json[] = [];
    value.forEach((item, i) => {
      const below = set.children.get(itemElement(node, item, i));
      if (!below) items.push(item);
      else if (!below.member) items.push(removeFields(item, below, node.items) ?? emptyLike(item));
    });
    return items.length ? items : undefined;
  }
  if (!isObject(value) || shapeOf(node, value) === 'leaf') return isVoid(value) ? value : undefined;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) {
    const below = set.children.get(`f:${key}`);
    if (!below) define(result, key, value[key]);
    else if (!below.member) define(result, key, removeFields(value[key] as Json, below, childNode(node, key)) ?? emptyLike(value[key]));
  }
  return Object.keys(result).length ? result : undefined;
}

/** The set with every struct member on the way to its paths added, which field sets leave out. */
export function withNamedFields(set: FieldSet, node: SchemaNode | undefined): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of set.children) {
    const key = element.slice(2);
    const field = element.startsWith('f:');
    const below = withNamedFields(child, field ? childNode(node, key) : node?.items);
    children.set(element, field && child.children.size > 0 && isNamedField(node, key) ? { member: true, children: below.children } : below);
  }
  return { member: set.member, children };
}

/**
 * Takes away what this manager applied last time and nobody owns now. Items that only hold what is owned by others,
 * or what nobody ever applied, stay.
 */
export function pruneUnowned(merged: JsonObject, last: FieldSet, owned: FieldSet, node: SchemaNode): JsonObject {
  if (isEmpty(last)) return merged;
  const all = withNamedFields(fieldSet(merged, node), node);
  const remove = (set: FieldSet) => (removeFields(merged, set, node) ?? {}) as JsonObject;
  const kept = (object: JsonObject) => withNamedFields(fieldSet(object, node), node);
  const lastNamed = withNamedFields(last, node);
  let pruned = remove(lastNamed);
  pruned = remove(difference(all, union(kept(pruned), withNamedFields(owned, node))));
  return remove(intersection(difference(all, kept(pruned)), lastNamed));
}
