import { isObject, type Json, type JsonObject } from '../schema/json.ts';
import type { SchemaNode } from '../schema/node.ts';

/** How apply sees a value: a leaf is owned as a whole, maps and lists are owned by their members. */
export type Shape = 'leaf' | 'map' | 'list';

/** A value the schema does not allow in an applied configuration; the message is structured-merge-diff's. */
export class TypedError extends Error {}

/** Values without a schema: maps are merged, lists are atomic. */
export function shapeOf(node: SchemaNode | undefined, value: Json | undefined): Shape {
  if (Array.isArray(value)) return node && node.listType !== 'atomic' ? 'list' : 'leaf';
  if (!isObject(value)) return 'leaf';
  if (!node || node.preserveUnknown || node.type === '') return node?.atomic ? 'leaf' : 'map';
  if (node.atomic || (node.properties.size === 0 && !node.additional && !node.embedded)) return 'leaf';
  return 'map';
}

export const childNode = (node: SchemaNode | undefined, key: string): SchemaNode | undefined =>
  node?.properties.get(key) ?? node?.additional;

/** True for a member of a struct, false for an entry of a map. */
export const isNamedField = (node: SchemaNode | undefined, key: string): boolean => node?.properties.has(key) ?? false;

/** The path element of a list item: its keys (defaults filled in) or its value. */
export function itemElement(node: SchemaNode, item: Json, index: number): string {
  if (node.listType === 'set') return `v:${JSON.stringify(item)}`;
  if (!isObject(item)) throw new TypedError(`: element ${index}: associative list with keys may not have non-map elements`);
  const key: JsonObject = {};
  for (const name of node.listMapKeys.toSorted((a, b) => (a < b ? -1 : 1))) {
    const value = item[name] ?? node.items?.properties.get(name)?.default;
    if (value === undefined || value === null) {
      throw new TypedError(
        `: element ${index}: associative list with keys has an element that omits key field ${JSON.stringify(name)} (and doesn't have default value)`,
      );
    }
    key[name] = value;
  }
  return `k:${JSON.stringify(key)}`;
}

export const isVoid = (value: Json | undefined): boolean =>
  value === undefined || value === null || (Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0);
