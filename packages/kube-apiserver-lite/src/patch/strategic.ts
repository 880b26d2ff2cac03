import { clone, define, equal, isObject, type Json, type JsonObject, show } from '../schema/json.ts';
import type { SchemaNode } from '../schema/node.ts';
import { badPatch, internal, unprocessable } from './result.ts';

/**
 * Kubernetes' strategic merge patch (`k8s.io/apimachinery/pkg/util/strategicpatch`): lists with a merge key merge by
 * it, others are replaced; directives delete, replace, order and keep.
 */

const directive = '$patch';
const retainKeys = '$retainKeys';
const deleteList = '$deleteFromPrimitiveList/';
const setOrder = '$setElementOrder/';

/** Applies a strategic merge patch to a copy of `current`. */
export function strategicPatch(current: JsonObject, patch: Json, schema: SchemaNode): JsonObject {
  if (!isObject(patch)) {
    const kind = Array.isArray(patch) ? 'array' : typeof patch === 'boolean' ? 'bool' : typeof patch;
    throw badPatch(`error decoding patch: json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`);
  }
  return mergeMap(clone(current), clone(patch), schema);
}

const childOf = (schema: SchemaNode | undefined, key: string): SchemaNode | undefined => schema?.properties.get(key) ?? schema?.additional;

function mergeMap(original: JsonObject, patch: JsonObject, schema: SchemaNode | undefined): JsonObject {
  if (patch[directive] !== undefined) return wholeMap(original, patch);
  retain(original, patch);
  for (const key of Object.keys(patch)) if (key.startsWith(setOrder)) orderList(original, patch, key, schema);
  for (const marked of Object.keys(patch)) {
    const deletes = marked.startsWith(deleteList);
    const key = deletes ? marked.slice(deleteList.length) : marked;
    const value = patch[marked] as Json;
    if (value === null) {
      delete original[key];
      continue;
    }
    const before = Object.hasOwn(original, key) ? original[key] : undefined;
    if (before === undefined || kind(before) !== kind(value)) {
      if (!deletes) define(original, key, withoutDirectives(withoutNulls(value)));
      continue;
    }
    const child = childOf(schema, key);
    if (isObject(before) && isObject(value)) {
      original[key] = child?.patchStrategy.includes('replace') ? value : mergeMap(before, value, child);
    } else if (Array.isArray(before) && Array.isArray(value)) {
      original[key] = mergeList(before, value, child, deletes);
    } else original[key] = value;
  }
  return original;
}

const kind = (value: Json): string => (Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value);

function wholeMap(original: JsonObject, patch: JsonObject): JsonObject {
  const { [directive]: what, ...rest } = patch;
  if (what === 'replace') return withoutDirectives(rest) as JsonObject;
  if (what === 'delete') return {};
  if (what === 'merge') return mergeMap(original, rest, undefined);
  throw internal(typeof what === 'string' ? `unknown patch type found: ${what}` : 'unable to understand the patch directive');
}

function retain(original: JsonObject, patch: JsonObject): void {
  const keep = patch[retainKeys];
  if (keep === undefined) return;
  delete patch[retainKeys];
  if (!Array.isArray(keep)) throw badPatch('invalid patch format of retainKeys');
  for (const key of Object.keys(patch)) {
    if (patch[key] === null || key.startsWith(deleteList) || key.startsWith(setOrder) || keep.includes(key)) continue;
    throw badPatch('invalid patch format of retainKeys');
  }
  for (const key of Object.keys(original)) if (!keep.includes(key)) delete original[key];
}

/** Nulls in a new part of the object mean nothing. */
function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  for (const key of Object.keys(value)) {
    if (value[key] === null) delete value[key];
    else value[key] = withoutNulls(value[key] as Json);
  }
  return value;
}

function withoutDirectives(value: Json): Json {
  if (Array.isArray(value))
    return value
      .filter(item => !(isObject(item) && item[directive] === 'delete'))
      .map(withoutDirectives)
      .filter(item => !(isObject(item) && item[directive] !== undefined));
  if (!isObject(value)) return value;
  for (const key of Object.keys(value)) {
    if (key === directive || key === retainKeys || key.startsWith(deleteList) || key.startsWith(setOrder)) delete value[key];
    else value[key] = withoutDirectives(value[key] as Json);
  }
  return value;
}

function mergeList(original: Json[], patch: Json[], schema: SchemaNode | undefined, deletes: boolean): Json[] {
  if (!schema?.patchStrategy.includes('merge')) return patch;
  const key = schema.patchMergeKey;
  const all = [...original, ...patch];
  if (all.length === 0) return original;
  if (all.some(Array.isArray)) throw unprocessable('lists of lists are not supported');
  let base = original;
  let rest = patch;
  let merged: Json[];
  if (!isObject(all[0])) {
    if (deletes) return original.filter(item => !patch.some(p => equal(p, item)));
    merged = unique(all);
  } else {
    if (key === undefined) throw internal(`cannot merge lists without merge key`);
    ({ original: base, patch: rest } = special(original, patch, key));
    merged = base.slice();
    for (const item of rest) {
      const at = merged.findIndex(other => equal(keyOf(other, key), keyOf(item, key)));
      if (at < 0) merged.push(withoutDirectives(item));
      else merged[at] = mergeMap(merged[at] as JsonObject, item as JsonObject, schema.items);
    }
  }
  return arrange(merged, rest, base, key);
}

/** Applies `$patch` items of a list: `delete` takes the item of that key away, `replace` makes the patch the whole list. */
function special(original: Json[], patch: Json[], key: string): { original: Json[]; patch: Json[] } {
  let kept = original;
  const plain: Json[] = [];
  let replaced = false;
  for (const item of patch) {
    const what = isObject(item) ? item[directive] : undefined;
    if (what === undefined) plain.push(item);
    else if (what === 'delete') {
      const value = keyOf(item, key);
      kept = kept.filter(other => !equal(keyOf(other, key), value));
    } else if (what === 'replace') replaced = true;
    else if (what === 'merge') throw internal('merging lists cannot yet be specified in the patch');
    else throw internal(`unknown patch type found: ${show(what)}`);
  }
  return replaced ? { original: plain, patch: [] } : { original: kept, patch: plain };
}

/** How Go prints a map, which the real server's error shows. */
function goMap(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(goMap).join(' ')}]`;
  if (isObject(value))
    return `map[${Object.keys(value)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map(k => `${k}:${goMap(value[k])}`)
      .join(' ')}]`;
  return value === null || value === undefined ? '<nil>' : String(value);
}

function keyOf(item: Json, key: string): Json {
  const value = isObject(item) ? item[key] : undefined;
  if (value === undefined) throw internal(`map: ${goMap(item)} does not contain declared merge key: ${key}`);
  return value;
}

const unique = (list: Json[]): Json[] => list.filter((item, i) => list.findIndex(other => equal(other, item)) === i);

/** `$setElementOrder/<list>`: the patched list takes this order, items only the server knows keep their place among them. */
function orderList(original: JsonObject, patch: JsonObject, marked: string, schema: SchemaNode | undefined): void {
  const order = patch[marked];
  delete patch[marked];
  if (!Array.isArray(order)) throw badPatch('invalid patch format of setElementOrder list');
  const key = marked.slice(setOrder.length);
  const child = childOf(schema, key);
  const mergeKey = child?.patchMergeKey;
  const before = original[key];
  const list = patch[key];
  if (Array.isArray(list)) checkOrder(list, order, mergeKey);
  let merged: Json[];
  if (Array.isArray(before) && Array.isArray(list)) merged = mergeList(before, list, child, false);
  else if (Array.isArray(before)) merged = before;
  else if (Array.isArray(list)) merged = withoutDirectives(withoutNulls(list)) as Json[];
  else return;
  original[key] = arrange(merged, order, Array.isArray(before) ? before : [], mergeKey);
  delete patch[key];
}

/** Every item of the patch must stand in the order list, and in that order. */
function checkOrder(list: Json[], order: Json[], key: string | undefined): void {
  let at = 0;
  for (const item of list) {
    if (isObject(item) && item[directive] !== undefined) continue;
    while (at < order.length && !same(order[at] as Json, item, key)) at++;
    if (at >= order.length)
      throw internal(`The order in patch list:\n${goMap(list)}\n doesn't match $setElementOrder list:\n${goMap(order)}\n`);
  }
}

function same(a: Json, b: Json, key: string | undefined): boolean {
  return key === undefined ? equal(a, b) : equal(keyOf(a, key), keyOf(b, key));
}

/** Items of the patch in the patch's order, the server's others in the server's; a patch item goes before the others unless the server had it behind. */
function arrange(merged: Json[], patchOrder: Json[], serverOrder: Json[], key: string | undefined): Json[] {
  const place = (list: Json[], item: Json) => list.findIndex(other => same(other, item, key));
  const sorted = (items: Json[], order: Json[]) =>
    items
      .map((item, i) => ({ item, i, at: place(order, item) }))
      .toSorted((a, b) => a.at - b.at || a.i - b.i)
      .map(e => e.item);
  const right = sorted(
    merged.filter(item => place(patchOrder, item) >= 0),
    patchOrder,
  );
  const left = sorted(
    merged.filter(item => place(patchOrder, item) < 0),
    serverOrder,
  );
  const result: Json[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    const l = place(serverOrder, left[i] as Json);
    const r = place(serverOrder, right[j] as Json);
    if (l >= 0 && r >= 0 && l < r) result.push(left[i++] as Json);
    else result.push(right[j++] as Json);
  }
  return [...result, ...left.slice(i), ...right.slice(j)];
}
