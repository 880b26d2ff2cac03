import { equal, isObject, type Json, type JsonObject } from '../schema/json.ts';
import type { SchemaNode } from '../schema/node.ts';
import { type FieldSet, FieldSetBuilder, recursiveDifference, union } from './field-set.ts';
import { childNode, isNamedField, isVoid, itemElement, shapeOf } from './typed.ts';

/** Which fields differ between two objects of one schema. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

type Found = { added: FieldSetBuilder; modified: FieldSetBuilder; removed: FieldSetBuilder };

/** Compares as structured-merge-diff does; `ignored` is taken out of the result. */
export function compare(before: JsonObject, after: JsonObject, node: SchemaNode, ignored: FieldSet): Comparison {
  const found: Found = { added: new FieldSetBuilder(), modified: new FieldSetBuilder(), removed: new FieldSetBuilder() };
  walk(before, after, node, [], found);
  const cut = (b: FieldSetBuilder) => recursiveDifference(b.build(), ignored);
  return { added: cut(found.added), modified: cut(found.modified), removed: cut(found.removed) };
}

export const changes = (c: Comparison): FieldSet => union(c.modified, c.added);

function walk(before: Json | undefined, after: Json | undefined, node: SchemaNode | undefined, path: string[], found: Found): void {
  if (before === after) return;
  const shapeBefore = shapeOf(node, before);
  const shapeAfter = shapeOf(node, after);
  const shape =
    isVoid(before) && isVoid(after)
      ? 'leaf'
      : isVoid(after)
        ? shapeBefore
        : isVoid(before)
          ? shapeAfter
          : shapeBefore === shapeAfter
            ? shapeAfter
            : 'leaf';
  if (shape === 'leaf') {
    if (before === undefined) found.added.insert(path);
    else if (after === undefined) found.removed.insert(path);
    else if (!equal(before, after)) found.modified.insert(path);
    return;
  }
  if (shape === 'map') {
    const a = isObject(before) ? before : {};
    const b = isObject(after) ? after : {};
    for (const key of Object.keys(a)) if (a[key] !== undefined) descend(a[key], b[key], childNode(node, key), path, `f:${key}`, found);
    for (const key of Object.keys(b))
      if (b[key] !== undefined && a[key] === undefined) descend(undefined, b[key], childNode(node, key), path, `f:${key}`, found);
  } else if (node) walkList(Array.isArray(before) ? before : [], Array.isArray(after) ? after : [], node, path, found);
  if (before === undefined) found.added.insert(path);
  else if (after === undefined) found.removed.insert(path);
}

function descend(
  before: Json | undefined,
  after: Json | undefined,
  node: SchemaNode | undefined,
  path: string[],
  element: string,
  found: Found,
): void {
  path.push(element);
  walk(before, after, node, path, found);
  path.pop();
}

function byElement(list: Json[], node: SchemaNode): Map<string, Json[]> {
  const map = new Map<string, Json[]>();
  list.forEach((item, i) => {
    const element = itemElement(node, item, i);
    map.set(element, [...(map.get(element) ?? []), item]);
  });
  return map;
}

function walkList(before: Json[], after: Json[], node: SchemaNode, path: string[], found: Found): void {
  const a = byElement(before, node);
  const b = byElement(after, node);
  for (const element of new Set([...a.keys(), ...b.keys()])) {
    const left = a.get(element) ?? [];
    const right = b.get(element) ?? [];
    if (left.length <= 1 && right.length <= 1) {
      descend(left[0], right[0], node.items, path, element, found);
      continue;
    }
    // Duplicates are owned as a whole: no path could tell them apart.
    if (left.length >= 2 && right.length >= 2) {
      if (!equal(left, right)) found.modified.insert([...path, element]);
    } else if (left.length >= 2) {
      if (right.length > 0) descend(undefined, right[0], node.items, path, element, found);
      found.removed.insert([...path, element]);
    } else {
      if (left.length > 0) descend(left[0], undefined, node.items, path, element, found);
      found.added.insert([...path, element]);
    }
  }
}

/** Every field an object sets: leaves, list items, and map entries; structs only through their members. */
export function fieldSet(object: Json, node: SchemaNode | undefined): FieldSet {
  const builder = new FieldSetBuilder();
  collect(object, node, [], builder);
  return builder.build();
}

function collect(value: Json, node: SchemaNode | undefined, path: string[], builder: FieldSetBuilder): void {
  const shape = isVoid(value) ? 'leaf' : shapeOf(node, value);
  if (shape === 'leaf') {
    builder.insert(path);
    return;
  }
  if (Array.isArray(value)) {
    if (!node) return;
    value.forEach((item, i) => {
      path.push(itemElement(node, item, i));
      builder.insert(path);
      collect(item, node.items, path, builder);
      path.pop();
    });
    return;
  }
  if (!isObject(value)) return;
  for (const key of Object.keys(value)) {
    const child = value[key];
    if (child === undefined) continue;
    path.push(`f:${key}`);
    if (!isNamedField(node, key)) builder.insert(path);
    collect(child, childNode(node, key), path, builder);
    path.pop();
  }
}
