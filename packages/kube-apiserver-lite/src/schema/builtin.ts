import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compileSchema, derive } from './compile.ts';
import type { JsonObject } from './json.ts';
import type { SchemaNode } from './node.ts';

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}
/** One built-in kind of the generated document. */
export interface BuiltinKind extends GroupVersionKind {
  /** With the subresource where the kind is only posted to one: `serviceaccounts/token`. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Name in `components.schemas`. */
  readonly schema: string;
}
interface Document {
  readonly resources: readonly BuiltinKind[];
  readonly schemas: Readonly<Record<string, JsonObject>>;
}

let document: Document | undefined;
let kinds: Map<string, BuiltinKind> | undefined;
const compiled = new Map<string, SchemaNode>();

/** The generated document (built-in kinds and their schemas); read from disk at the first call. */
export function builtinDocument(): Document {
  document ??= JSON.parse(readFileSync(fileURLToPath(new URL('../openapi/builtin.json', import.meta.url)), 'utf8')) as Document;
  return document;
}

/** The schema of that OpenAPI name (`io.k8s.api.core.v1.Service`). */
export function builtinDefinition(name: string): SchemaNode | undefined {
  const known = compiled.get(name);
  if (known) return known;
  const source = builtinDocument().schemas[name];
  if (!source) return undefined;
  const version = /\.(v[0-9a-z]+)\.[^.]+$/.exec(name)?.[1] ?? 'v1';
  const node = derive(compileSchema(source, builtinDefinition), { goType: `${version}.${name.slice(name.lastIndexOf('.') + 1)}` });
  compiled.set(name, node);
  return node;
}

/** The entry of a built-in kind, or undefined. */
export function builtinKind(gvk: GroupVersionKind): BuiltinKind | undefined {
  kinds ??= new Map(builtinDocument().resources.map(r => [`${r.group}/${r.version}/${r.kind}`, r]));
  return kinds.get(`${gvk.group}/${gvk.version}/${gvk.kind}`);
}

/** The schema of a built-in kind, or undefined. Loaded at the first call. */
export function builtinSchema(gvk: GroupVersionKind): SchemaNode | undefined {
  if (gvk.kind === 'Scale' && gvk.group === 'autoscaling') return builtinDefinition('io.k8s.api.autoscaling.v1.Scale');
  const kind = builtinKind(gvk);
  return kind && builtinDefinition(kind.schema);
}

/** ObjectMeta, which custom resources share. */
export function objectMeta(): SchemaNode {
  const node = builtinDefinition('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');
  if (!node) throw new Error('the generated schemas lack ObjectMeta: run schema/generate.ts');
  return node;
}
