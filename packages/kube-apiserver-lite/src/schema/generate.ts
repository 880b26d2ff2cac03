#!/usr/bin/env node
/**
 * Writes `src/openapi/builtin.json`: the schemas of the built-in kinds, from the models of `@kubernetes/client-node`
 * (types, required members, documentation) and from `markers.ts`. Run it after the client is updated:
 * `node --import tsx packages/kube-apiserver-lite/src/schema/generate.ts`. A test fails when the output is stale.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from './json.ts';
import {
  always,
  atomicMaps,
  atomicTypes,
  byValue,
  defaults,
  enums,
  lists,
  metaTypes,
  pointers,
  quantities,
  requiredPointers,
  strategies,
  structDocs,
  typedefs,
} from './markers.ts';

interface Field {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly required: boolean;
  readonly description: string;
}
interface Model {
  readonly description: string;
  readonly fields: readonly Field[];
}
export interface BuiltinResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly schema: string;
}

const gen = join(dirname(createRequire(import.meta.url).resolve('@kubernetes/client-node')), 'gen');

/** Types whose authors put two spaces after a sentence. */
const doubleSpaced = /^(?:ServiceSpec|ServicePort|ServiceStatus|SessionAffinityConfig|LoadBalancerStatus)$/;

/** The client's comments have lost their line breaks: two spaces were an empty line, or just two spaces. */
function prose(comment: string, type = ''): string {
  const paragraph = doubleSpaced.test(type) ? /(?<=\S) {2}(?=This field may hold|\* )/g : /(?<=\S) {2}(?=[^\s-])/g;
  return comment
    .replace(/\\(['"\\])/g, '$1')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
    .replace(/(?<=\S) {3}\* /g, '\n  * ')
    .replace(paragraph, '\n\n')
    .trim();
}

function readModel(name: string): Model | undefined {
  let types: string;
  let source: string;
  try {
    types = readFileSync(join(gen, 'models', `${name}.d.ts`), 'utf8');
    source = readFileSync(join(gen, 'models', `${name}.js`), 'utf8');
  } catch {
    return undefined;
  }
  const map = /attributeTypeMap = (\[[\s\S]*?\n\]|\[\]);/.exec(source)?.[1];
  if (!map) return undefined;
  const attributes = JSON.parse(map) as { name: string; baseName: string; type: string; format: string }[];
  const docs = new Map<string, { text: string; optional: boolean }>();
  for (const m of types.matchAll(/(?:\/\*\*\s*\n((?:\s*\*(?!\/).*\n)+?)\s*\*\/\s*\n)?\s+'([^']+)'(\??): /g)) {
    docs.set(m[2] ?? '', { text: (m[1] ?? '').replace(/^\s*\* ?/gm, '').trim(), optional: m[3] === '?' });
  }
  const head = /\/\*\*\s*\n((?:\s*\*(?!\/).*\n)+?)\s*\*\/\s*\nexport declare class/.exec(types)?.[1] ?? '';
  return {
    description: prose(head.replace(/^\s*\* ?/gm, '')),
    fields: attributes.map(a => {
      const doc = docs.get(a.name);
      return {
        name: a.baseName,
        type: a.type,
        format: a.format,
        required: doc?.optional === false,
        description: prose(doc?.text ?? '', bare(name)),
      };
    }),
  };
}

/** Kinds posted to a subresource of a core path that belong to another group. */
const subresourceGroups: Record<string, string> = { TokenRequest: 'authentication.k8s.io', Eviction: 'policy' };

/** What the typed API classes say: path, kind's model. */
function readResources(): (BuiltinResource & { model: string })[] {
  const found = new Map<string, BuiltinResource & { model: string }>();
  for (const file of readdirSync(join(gen, 'apis'))) {
    if (!file.endsWith('Api.js')) continue;
    const text = readFileSync(join(gen, 'apis', file), 'utf8');
    for (const method of text.split(/\n {4}async /)) {
      const path = /localVarPath = '([^']+)'/.exec(method)?.[1];
      const model = /serialize\(body, "([A-Za-z0-9]+)"/.exec(method)?.[1];
      if (!path || !model || !/HttpMethod\.POST/.test(method)) continue;
      const m = /^\/(?:api|apis\/([^/]+))\/(v[0-9a-z]+)(\/namespaces\/\{namespace\})?\/([a-z]+)(?:\/\{name\}\/([a-z]+))?$/.exec(path);
      if (!m || !/^v\d+$/.test(m[2] ?? '')) continue;
      const [, group = '', version = '', ns, plural = '', sub] = m;
      const kind = model.replace(/^([A-Z][a-z]+)?V\d+/, '');
      const owner = subresourceGroups[kind] ?? group;
      const key = `${owner}/${version}/${kind}`;
      const entry = {
        group: owner,
        version,
        kind,
        plural: sub ? `${plural}/${sub}` : plural,
        namespaced: ns !== undefined,
        schema: '',
        model,
      };
      const seen = found.get(key);
      if (!seen || (seen.plural.includes('/') && !sub) || (entry.namespaced && !seen.namespaced)) found.set(key, entry);
    }
  }
  return [...found.values()];
}

function packageOf(group: string, version: string): string {
  if (group === '') return `io.k8s.api.core.${version}`;
  if (group === 'apiextensions.k8s.io') return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}`;
  if (group === 'apiregistration.k8s.io') return `io.k8s.kube-aggregator.pkg.apis.apiregistration.${version}`;
  return `io.k8s.api.${group.replace(/\..*/, '')}.${version}`;
}

const bare = (model: string) => model.replace(/^(?:[A-Z][a-z]+(?=V\d))?V\d+((?:alpha|beta)\d+)?/, '');

export function generate(): { resources: BuiltinResource[]; schemas: Record<string, JsonObject> } {
  const resources = readResources().filter(r => !/^(internal|resource|storagemigration)/.test(r.group));
  const schemas: Record<string, JsonObject> = {};
  const names = new Map<string, string>();
  const rank = (r: BuiltinResource) => (r.group === '' ? 0 : r.group === 'autoscaling' && r.version === 'v1' ? 1 : 2);

  function nameOf(model: string, owner: BuiltinResource): string {
    const known = names.get(model);
    if (known) return known;
    const kind = bare(model);
    const version = /V(\d+(?:(?:alpha|beta)\d+)?)/.exec(model)?.[1];
    const prefixed = /^([A-Z][a-z]+)V\d/.exec(model)?.[1]?.toLowerCase();
    const group = prefixed
      ? (resources.find(r => r.group.split('.')[0] === (prefixed === 'core' ? '' : prefixed))?.group ?? prefixed)
      : owner.group;
    const name = metaTypes.has(kind)
      ? `io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`
      : `${packageOf(group, `v${version ?? owner.version.slice(1)}`)}.${kind}`;
    names.set(model, name);
    return name;
  }

  function property(type: string, format: string, owner: BuiltinResource): JsonObject {
    const list = /^(?:Array|Set)<(.*)>$/.exec(type)?.[1];
    if (list) return { type: 'array', items: property(list, format, owner) };
    const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
    if (map) return { type: 'object', additionalProperties: property(map, format, owner) };
    if (type === 'IntOrString') return { 'x-kubernetes-int-or-string': true };
    if (type === 'V1MicroTime') return { type: 'string', format: 'micro-time' };
    if (type === 'Date') return { type: 'string', format: 'date-time' };
    if (type === 'number') return format === 'double' ? { type: 'number', format } : { type: 'integer', format };
    if (type === 'boolean') return { type: 'boolean' };
    if (type === 'string')
      return format === '' || format === 'quantity' ? { type: 'string', ...(format ? { format } : {}) } : { type: 'string', format };
    if (type === 'any') return {};
    if (type === 'object') return { type: 'object', 'x-go-raw': true };
    add(type, owner);
    return { $ref: nameOf(type, owner) };
  }

  function add(modelName: string, owner: BuiltinResource): void {
    const name = nameOf(modelName, owner);
    if (schemas[name]) return;
    const model = readModel(modelName);
    if (!model) {
      schemas[name] = { type: 'object' };
      return;
    }
    const kind = bare(modelName);
    const properties: Record<string, JsonObject> = {};
    const schema: JsonObject = { type: 'object', description: model.description, properties };
    schemas[name] = schema;
    const qualified = modelName.replace(/^V\d+/, '');
    const marked = (set: Set<string>, field: string) => set.has(`${kind}.${field}`) || set.has(`${qualified}.${field}`);
    const isKind =
      model.fields.some(f => f.name === 'apiVersion') &&
      model.fields.some(f => f.name === 'kind') &&
      model.fields.some(f => f.name === 'metadata');
    for (const field of model.fields) {
      const p = property(field.type, field.format, owner);
      const key = `${kind}.${field.name}`;
      const description =
        structDocs[`${qualified}.${field.name}`] ?? structDocs[key] ?? (field.description || (isKind ? structDocs[`*.${field.name}`] : ''));
      if (description) p.description = description;
      const values = enums[`${qualified}.${field.name}`] ?? enums[key];
      if (values) p.enum = [...values];
      const list = lists[`${qualified}.${field.name}`] ?? lists[key];
      if (p.type === 'array') {
        p['x-kubernetes-list-type'] = list?.type ?? 'atomic';
        if (list?.keys) p['x-kubernetes-list-map-keys'] = [...list.keys];
        if (list?.merge) p['x-kubernetes-patch-merge-key'] = list.merge;
        const strategy = list?.strategy ?? (list?.merge ? 'merge' : undefined);
        if (strategy) p['x-kubernetes-patch-strategy'] = strategy;
      }
      if (quantities.has(key)) ((p.additionalProperties as JsonObject | undefined) ?? p).format = 'quantity';
      if (strategies[key]) p['x-kubernetes-patch-strategy'] = strategies[key];
      if (marked(atomicMaps, field.name)) p['x-kubernetes-map-type'] = 'atomic';
      const root = isKind && ['metadata', 'spec', 'status'].includes(field.name);
      if (marked(byValue, field.name) || ((root || field.required) && typeof p.$ref === 'string' && !requiredPointers.has(key)))
        p['x-go-value'] = true;
      if (marked(always, field.name)) p['x-go-always'] = true;
      const pointer = pointers[qualified] ?? pointers[kind];
      if (!field.required && pointer && (pointer === '*' || pointer.split(' ').includes(field.name))) p['x-go-pointer'] = true;
      const typedef = typedefs[`${qualified}.${field.name}`] ?? typedefs[key];
      if (typedef) p['x-go-type'] = typedef;
      const fallback = defaults[`${qualified}.${field.name}`] ?? defaults[key];
      if (fallback !== undefined) p['x-go-default'] = fallback;
      properties[field.name] = p;
    }
    const required = model.fields.filter(f => f.required).map(f => f.name);
    if (required.length) schema.required = required;
    if (atomicTypes.has(kind)) schema['x-kubernetes-map-type'] = 'atomic';
  }

  for (const r of resources.toSorted((a, b) => rank(a) - rank(b) || (`${a.group}/${a.kind}` < `${b.group}/${b.kind}` ? -1 : 1)))
    add(r.model, r);
  const core = resources.find(r => r.group === '');
  if (core)
    for (const extra of ['V1Status', 'V1DeleteOptions', 'V1APIResourceList', 'V1Scale'])
      add(extra, extra === 'V1Scale' ? (resources.find(r => r.group === 'autoscaling') ?? core) : core);
  const known = resources.map(({ model, ...r }) => ({ ...r, schema: names.get(model) ?? '' }));
  known.sort((a, b) => (`${a.group}/${a.version}/${a.kind}` < `${b.group}/${b.version}/${b.kind}` ? -1 : 1));
  return { resources: known, schemas: Object.fromEntries(Object.entries(schemas).toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

/** Where the output lies. */
export const builtinFile = fileURLToPath(new URL('../openapi/builtin.json', import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = generate();
  writeFileSync(builtinFile, `${JSON.stringify(result)}\n`);
  console.log(`${result.resources.length} kinds, ${Object.keys(result.schemas).length} schemas`);
}
