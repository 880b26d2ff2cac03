import { isObject, type Json } from '../schema/json.ts';
import type { SchemaNode } from '../schema/node.ts';

/** How CEL sees values of a schema: integers as int, members whose names are no identifiers under escaped ones. */

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);

/** The CEL name of a property; undefined when CEL cannot reach it. */
export function escapeName(name: string): string | undefined {
  if (!/^[a-zA-Z_][a-zA-Z0-9_./-]*$/.test(name)) return undefined;
  if (reserved.has(name)) return `__${name}__`;
  return name.replace(/__/g, '__underscores__').replace(/\./g, '__dot__').replace(/-/g, '__dash__').replace(/\//g, '__slash__');
}

type Convert = (value: Json) => unknown;
const identity: Convert = value => value;
const converters = new WeakMap<SchemaNode, Convert>();

/** A function that turns JSON of this schema into CEL values; the identity where nothing has to change. */
export function converter(node: SchemaNode): Convert {
  const known = converters.get(node);
  if (known) return known;
  // Recursive schemas meet themselves here: until the real one is ready they get one that looks it up.
  converters.set(node, value => converter(node)(value));
  const made = make(node);
  converters.set(node, made);
  return made;
}

const anything: Convert = value => {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(anything);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, anything(v as Json)]));
};

function make(node: SchemaNode): Convert {
  if (node.intOrString) return value => (typeof value === 'number' ? BigInt(Math.trunc(value)) : value);
  switch (node.type) {
    case 'integer':
      return value => (typeof value === 'number' ? BigInt(Math.trunc(value)) : value);
    case 'string':
      if (node.format === 'date-time' || node.format === 'date') return value => (typeof value === 'string' ? new Date(value) : value);
      if (node.format === 'byte') return value => (typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64')) : value);
      return identity;
    case 'array': {
      const item = node.items ? converter(node.items) : anything;
      return item === identity ? identity : value => (Array.isArray(value) ? value.map(item) : value);
    }
    case 'object':
      return makeObject(node);
    case '':
      return anything;
    default:
      return identity;
  }
}

/** Of metadata, rules see the names alone. */
const metadataFields = new Set(['name', 'generateName']);
export const celProperties = (node: SchemaNode): [string, SchemaNode][] =>
  (node.goType ?? '') === '' ? [...node.properties] : [...node.properties].filter(([name]) => metadataFields.has(name));

function makeObject(node: SchemaNode): Convert {
  const members = new Map<string, { name: string; convert: Convert }>();
  let plain = (node.goType ?? '') === '';
  for (const [key, child] of celProperties(node)) {
    const name = escapeName(key);
    if (name === undefined) continue;
    const convert = converter(child);
    members.set(key, { name, convert });
    if (convert !== identity || name !== key) plain = false;
  }
  const rest = node.additional ? converter(node.additional) : node.preserveUnknown ? anything : undefined;
  if (plain && (rest === undefined || rest === identity)) return identity;
  return value => {
    if (!isObject(value)) return value;
    const result: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      const item = value[key] as Json;
      const member = members.get(key);
      if (member) result[member.name] = item === null ? null : member.convert(item);
      else if (rest) result[key] = item === null ? null : rest(item);
    }
    return result;
  };
}
