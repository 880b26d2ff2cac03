import { embed } from './custom.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import type { SchemaNode } from './node.ts';

/**
 * Removes what the schema does not know and returns the paths of it, sorted (`spec.ports[0].prot`). Mutates.
 * Under `x-kubernetes-preserve-unknown-fields` unknown members stay, known ones are still pruned inside.
 */
export function prune(object: JsonObject, node: SchemaNode): string[] {
  const unknown: string[] = [];
  pruneValue(object, node, '', unknown);
  return unknown.toSorted((a, b) => (a < b ? -1 : 1));
}

const embedded = new WeakMap<SchemaNode, SchemaNode>();

function pruneValue(value: Json | undefined, given: SchemaNode, path: string, unknown: string[]): void {
  let node = given;
  if (Array.isArray(value)) {
    if (node.items) for (let i = 0; i < value.length; i++) pruneValue(value[i], node.items, `${path}[${i}]`, unknown);
    return;
  }
  if (!isObject(value)) return;
  if (node.embedded) {
    let full = embedded.get(node);
    if (!full) embedded.set(node, (full = embed(node)));
    node = full;
  }
  const { properties, additional, preserveUnknown } = node;
  // A typed object without any members described (`type: object`) knows nothing: everything in it goes.
  for (const key of Object.keys(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    const child = properties.get(key) ?? additional;
    if (child) pruneValue(value[key], child, at, unknown);
    else if (!preserveUnknown && node.source.additionalProperties !== true && !node.intOrString) {
      delete value[key];
      unknown.push(at);
    }
  }
}
