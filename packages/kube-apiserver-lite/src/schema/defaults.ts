import { clone, isObject, type Json, type JsonObject } from './json.ts';
import { builtinDefaults } from './kinds/defaults.ts';
import type { SchemaNode } from './node.ts';

/**
 * Fills defaults as a real server does for custom resources: an absent member, or a null where null is not allowed,
 * takes the default; a null that is not allowed and has no default is removed. Mutates.
 */
export function applyDefaults(object: JsonObject, node: SchemaNode): void {
  builtinDefaults[node.goType ?? '']?.(object);
  if (defaulted(node)) fill(object, node);
  // Go writes null for a time that is not set; only custom resources lose their nulls.
  if ((node.goType ?? '') === '') dropNulls(object, node);
}

const wants = new WeakMap<SchemaNode, boolean>();

/** Whether a default lies anywhere below, so that walks stay away from where there is none. */
function defaulted(node: SchemaNode, depth = 0): boolean {
  const known = wants.get(node);
  if (known !== undefined) return known;
  if (depth > 64) return true;
  let found = false;
  for (const child of node.properties.values()) if (child.default !== undefined || defaulted(child, depth + 1)) found = true;
  for (const child of [node.items, node.additional])
    if (child && (child.default !== undefined || defaulted(child, depth + 1))) found = true;
  wants.set(node, found);
  return found;
}

const wrongNull = (value: Json | undefined, node: SchemaNode) => value === null && !node.nullable;

function fill(value: Json | undefined, node: SchemaNode): void {
  if (Array.isArray(value)) {
    const items = node.items;
    if (!items) return;
    for (let i = 0; i < value.length; i++) {
      if (wrongNull(value[i], items) && items.default !== undefined) value[i] = clone(items.default);
      if (defaulted(items)) fill(value[i], items);
    }
    return;
  }
  if (!isObject(value)) return;
  for (const [key, child] of node.properties) {
    if (child.default !== undefined && (value[key] === undefined || wrongNull(value[key], child))) value[key] = clone(child.default);
    if (value[key] !== undefined && defaulted(child)) fill(value[key], child);
  }
  const { additional } = node;
  if (!additional) return;
  for (const key of Object.keys(value)) {
    if (node.properties.has(key)) continue;
    if (wrongNull(value[key], additional) && additional.default !== undefined) value[key] = clone(additional.default);
    if (defaulted(additional)) fill(value[key], additional);
  }
}

function dropNulls(value: Json | undefined, node: SchemaNode): void {
  if (Array.isArray(value)) {
    if (node.items) for (const item of value) dropNulls(item, node.items);
    return;
  }
  if (!isObject(value)) return;
  for (const key of Object.keys(value)) {
    const child = node.properties.get(key) ?? node.additional;
    if (!child) continue;
    if (value[key] === null && !child.nullable && child.type !== '') delete value[key];
    else if (value[key] !== null) dropNulls(value[key], child);
  }
}
