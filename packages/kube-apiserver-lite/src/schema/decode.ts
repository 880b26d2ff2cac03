import { builtinSchema, type GroupVersionKind } from './builtin.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import type { SchemaNode } from './node.ts';
import { canonicalQuantity, quantityError } from './quantity.ts';
import { canonicalTime } from './time.ts';

/** What decoding a body into a built-in kind found. */
export interface Decoded {
  /** The first type error, in Go's words, without the `… cannot be handled as a …:` in front. */
  readonly error?: string;
  /** Paths of members the kind does not have, in document order. */
  readonly unknown: string[];
}

class DecodeError extends Error {}

interface Context {
  readonly unknown: string[];
  /** Name of the struct that holds the value and the JSON path to it: `ServicePort`, `spec.ports.port`. */
  struct: string;
  field: string;
}

/**
 * What decoding JSON into the Go type and writing it again does: type errors in Go's words, unknown members dropped and
 * reported, empty optional members dropped, structs held by value filled in (`status: {loadBalancer: {}}`), quantities,
 * times and bytes in canonical form. Mutates `object`.
 */
export function decodeBuiltin(object: JsonObject, gvk: GroupVersionKind): Decoded {
  const node = builtinSchema(gvk);
  if (!node) return { unknown: [] };
  return decodeInto(object, node);
}

/** {@link decodeBuiltin} for any schema with Go types. */
export function decodeInto(object: JsonObject, node: SchemaNode): Decoded {
  const unknown: string[] = [];
  try {
    decodeStruct(object, node, '', { unknown, struct: '', field: '' });
    return { unknown };
  } catch (error) {
    if (error instanceof DecodeError) return { error: error.message, unknown };
    throw error;
  }
}

function decodeStruct(object: JsonObject, node: SchemaNode, path: string, context: Context): void {
  const { properties } = node;
  const { struct, field } = context;
  const name = node.goType?.slice(node.goType.indexOf('.') + 1) ?? '';
  for (const key of Object.keys(object)) {
    const child = properties.get(key);
    const value = object[key];
    if (!child) {
      context.unknown.push(path === '' ? key : `${path}.${key}`);
      delete object[key];
      continue;
    }
    if (value === null) {
      delete object[key];
      continue;
    }
    context.struct = name;
    context.field = field === '' ? key : `${field}.${key}`;
    // A schema, or a bool or list in its place (`JSONSchemaPropsOrBool`, `…OrArray`), which the published models do not type.
    if (name === 'JSONSchemaProps' && (key === 'items' || key === 'additionalProperties') && isObject(value)) {
      decodeStruct(value, node, `${path}.${key}`, context);
      continue;
    }
    object[key] = decodeValue(value as Json, child, path === '' ? key : `${path}.${key}`, context);
  }
  context.struct = struct;
  context.field = field;
  settle(object, node);
}

/** Drops what `omitempty` drops and adds what Go always writes. */
function settle(object: JsonObject, node: SchemaNode): void {
  const required = node.required;
  for (const [key, child] of node.properties) {
    const value = object[key];
    if (value === undefined) {
      if (child.byValue) object[key] = zero(child);
      else if (child.always || (required.includes(key) && key !== 'kind' && key !== 'apiVersion' && !isStruct(child)))
        object[key] = zero(child);
    } else if (!child.pointer && !child.byValue && !child.always && !required.includes(key)) {
      if (empty(value, child)) delete object[key];
    } else if (Array.isArray(value) && value.length === 0 && !keptAsJson.test(node.goType ?? '')) object[key] = null;
  }
}

/** Kinds stored as JSON keep an empty list; others are stored as protobuf, which does not tell it from none. */
const keptAsJson = /^v1\.(?:CustomResource|JSONSchema|APIService)/;

const isStruct = (node: SchemaNode): boolean => node.properties.size > 0;

function empty(value: Json, node: SchemaNode): boolean {
  if (node.type === '' && !node.intOrString) return false; // raw JSON: a default of 0 or false is a value
  if (value === '' || value === 0 || value === false) return !node.intOrString && node.format !== 'date-time';
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && node.additional !== undefined && Object.keys(value).length === 0;
}

function zero(node: SchemaNode): Json {
  if (node.properties.size > 0) {
    const object: JsonObject = {};
    settle(object, node);
    return object;
  }
  if (node.format === 'date-time' || node.format === 'micro-time') return null;
  if (node.format === 'quantity') return '0';
  if (node.intOrString || node.type === 'integer' || node.type === 'number') return 0;
  if (node.type === 'string') return '';
  if (node.type === 'boolean') return false;
  if (node.type === 'object' && !node.additional) return {};
  return null;
}

/** What a Go zero value of the type looks like in JSON; `status`, `metadata` etc. of an object that does not exist yet. */
export function zeroObject(node: SchemaNode): JsonObject {
  const value = zero(node);
  return isObject(value) ? value : {};
}

const kindOf = (value: Json): string =>
  Array.isArray(value)
    ? 'array'
    : isObject(value)
      ? 'object'
      : typeof value === 'boolean'
        ? 'bool'
        : typeof value === 'number'
          ? 'number'
          : 'string';

function mismatch(value: Json, type: string, context: Context, bare = false): DecodeError {
  const shown = typeof value === 'number' && /^u?int|^float/.test(type) ? `number ${goNumber(value)}` : kindOf(value);
  const where = bare || context.struct === '' ? 'value' : `struct field ${context.struct}.${context.field}`;
  return new DecodeError(`json: cannot unmarshal ${shown} into Go ${where} of type ${type}`);
}

const goNumber = (n: number) => (Number.isInteger(n) && Math.abs(n) < 1e21 ? n.toFixed(0) : String(n));

/** The Go type of a value, as error texts show it. */
export function goTypeOf(node: SchemaNode): string {
  if (node.goTypedef) return node.goType ?? '';
  if (node.properties.size > 0 || (node.goType ?? '') !== '') return node.goType ?? '';
  if (node.items) return `[]${goTypeOf(node.items)}`;
  if (node.additional) return `map[string]${goTypeOf(node.additional)}`;
  if (node.intOrString) return 'intstr.IntOrString';
  if (node.format === 'byte') return '[]uint8';
  if (node.format === 'quantity') return 'resource.Quantity';
  if (node.format === 'date-time') return 'v1.Time';
  if (node.format === 'micro-time') return 'v1.MicroTime';
  if (node.type === 'integer') return node.format || 'int32';
  if (node.type === 'number') return 'float64';
  if (node.type === 'boolean') return 'bool';
  return node.type === 'string' ? 'string' : 'map[string]interface {}';
}

function decodeValue(value: Json, node: SchemaNode, path: string, context: Context): Json {
  if (node.intOrString) {
    if (typeof value === 'string') return value;
    if (typeof value !== 'number' || !fits(value, 'int32')) throw mismatch(value, 'int32', context, true);
    return value;
  }
  switch (node.type) {
    case 'array':
      if (!Array.isArray(value)) throw mismatch(value, goTypeOf(node), context);
      if (node.items) {
        for (let i = 0; i < value.length; i++) {
          const item = value[i] as Json;
          value[i] = item === null ? zero(node.items) : decodeValue(item, node.items, `${path}[${i}]`, context);
        }
      }
      return value;
    case 'object':
      if (node.properties.size > 0) {
        if (!isObject(value)) throw mismatch(value, goTypeOf(node), context);
        decodeStruct(value, node, path, context);
      } else if (node.additional) {
        if (!isObject(value)) throw mismatch(value, goTypeOf(node), context);
        for (const key of Object.keys(value)) {
          const item = value[key] as Json;
          value[key] = item === null ? zero(node.additional) : decodeValue(item, node.additional, `${path}.${key}`, context);
        }
      } else if (!isObject(value)) throw mismatch(value, goTypeOf(node), context);
      return value;
    case 'string':
      return decodeString(value, node, context);
    case 'integer':
      if (typeof value !== 'number' || !fits(value, node.format || 'int32')) throw mismatch(value, node.format || 'int32', context);
      return value;
    case 'number':
      if (typeof value !== 'number') throw mismatch(value, 'float64', context);
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw mismatch(value, 'bool', context);
      return value;
    default:
      return value;
  }
}

function decodeString(value: Json, node: SchemaNode, context: Context): Json {
  if (node.format === 'quantity') {
    const text = typeof value === 'string' || typeof value === 'number' ? canonicalQuantity(value) : undefined;
    if (text === undefined)
      throw new DecodeError(typeof value === 'string' || typeof value === 'number' ? quantityError : "unable to parse quantity's suffix");
    return text;
  }
  if (typeof value !== 'string') {
    const time = node.format === 'date-time' || node.format === 'micro-time';
    throw mismatch(value, time ? 'string' : goTypeOf(node), context, time);
  }
  if (node.format === 'date-time' || node.format === 'micro-time') {
    const time = canonicalTime(value, node.format === 'micro-time');
    if ('error' in time) throw new DecodeError(time.error);
    return time.text;
  }
  if (node.format === 'byte') {
    const wrong = badBase64(value);
    if (wrong >= 0) throw new DecodeError(`illegal base64 data at input byte ${wrong}`);
    return value.replace(/[\r\n]/g, '');
  }
  return value;
}

/** Where base64 is broken, as Go counts it; -1 when it is whole. */
function badBase64(text: string): number {
  const clean = text.replace(/[\r\n]/g, '');
  const bad = clean.search(/[^A-Za-z0-9+/=]/);
  if (bad >= 0) return bad;
  const pad = clean.indexOf('=');
  if (clean.length % 4 !== 0) return pad >= 0 ? pad : clean.length - (clean.length % 4);
  if (pad >= 0 && !/^={1,2}$/.test(clean.slice(pad))) return pad;
  return -1;
}

function fits(value: number, format: string): boolean {
  if (!Number.isInteger(value)) return false;
  if (format === 'int64') return Math.abs(value) <= 2 ** 63;
  return value >= -(2 ** 31) && value < 2 ** 31;
}
