import { objectMeta } from './builtin.ts';
import { compileSchema, derive } from './compile.ts';
import type { JsonObject } from './json.ts';
import type { SchemaNode } from './node.ts';

const text = compileSchema({ type: 'string' });

/** Compiles the `openAPIV3Schema` of a CRD version; the root gains apiVersion, kind and metadata. */
export function compileCrdSchema(openAPIV3Schema: JsonObject): SchemaNode {
  return embed(compileSchema(openAPIV3Schema));
}

/** A node with the members every object has (`x-kubernetes-embedded-resource`). */
export function embed(node: SchemaNode): SchemaNode {
  const properties = new Map(node.properties);
  properties.set('apiVersion', text);
  properties.set('kind', text);
  properties.set('metadata', objectMeta());
  return derive(node, { properties });
}
