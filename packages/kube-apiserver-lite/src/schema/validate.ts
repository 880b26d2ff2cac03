import { type Cause, duplicate, invalid, quoteValue, required, tooLong, tooMany, typeInvalid } from '../errors.ts';
import { hasFormat } from './format.ts';
import { equal, isObject, type Json, type JsonObject } from './json.ts';
import type { Checks, SchemaNode } from './node.ts';

export interface ValidateOptions {
  /** The field path of `value` itself; `''` for an object. */
  readonly path?: string;
  /** The stored value: what has not changed may stay invalid (ratcheting). */
  readonly old?: Json | undefined;
}

/**
 * Validates against the JSON-schema part of a CRD's schema. Causes come in the real server's order:
 * type, then combinations, strings, numbers, lists, enumerations, members.
 */
export function validateSchema(value: Json, node: SchemaNode, options: ValidateOptions = {}): Cause[] {
  const causes: Cause[] = [];
  check(value, node, options.path ?? '', options.old, causes);
  return causes;
}

/** Sets without duplicates, maps without two items of one key (`x-kubernetes-list-type`). */
export function validateListTypes(value: Json, node: SchemaNode, old?: Json): Cause[] {
  const causes: Cause[] = [];
  checkEmbedded(value, node, '', old, causes, true);
  checkLists(value, node, '', old, causes);
  return causes;
}

const embeds = new WeakMap<SchemaNode, boolean>();

/** Whether an embedded resource lies at or below a node. */
function hasEmbedded(node: SchemaNode, depth = 0): boolean {
  const known = embeds.get(node);
  if (known !== undefined) return known;
  if (depth > 64 || (node.goType ?? '') !== '') return false;
  const below = [...node.properties.values(), node.items, node.additional].filter(n => n !== undefined);
  const found = node.embedded || below.some(n => hasEmbedded(n, depth + 1));
  embeds.set(node, found);
  return found;
}

/** Embedded resources say what they are. */
function checkEmbedded(value: Json, node: SchemaNode, path: string, old: Json | undefined, causes: Cause[], root = false): void {
  if (!hasEmbedded(node) || (old !== undefined && equal(value, old))) return;
  if (Array.isArray(value)) {
    const { items } = node;
    const before = correlate(value, node, old);
    if (items) value.forEach((item, i) => checkEmbedded(item, items, `${path}[${i}]`, before(i), causes));
    return;
  }
  if (!isObject(value)) return;
  if (node.embedded && !root) {
    for (const key of ['apiVersion', 'kind']) {
      if (typeof value[key] !== 'string' || value[key] === '') causes.push(required(`${path}.${key}`, 'must not be empty'));
    }
  }
  const before = isObject(old) ? old : undefined;
  for (const key of Object.keys(value)) {
    const child = node.properties.get(key) ?? node.additional;
    if (child && value[key] !== undefined) checkEmbedded(value[key], child, path === '' ? key : `${path}.${key}`, before?.[key], causes);
  }
}

export const typeName = (value: Json): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : typeof value === 'number'
        ? Number.isInteger(value)
          ? 'integer'
          : 'number'
        : typeof value;

function hasType(value: Json, type: string): boolean {
  const actual = typeName(value);
  return actual === type || (type === 'number' && actual === 'integer');
}

/** An error without a field of its own, as the real server reports what its validator did not attach to one. */
const loose = (text: string): Cause => ({ reason: 'FieldValueInvalid', message: `Invalid value: "": ${text}`, field: '<nil>' });

function check(value: Json, node: SchemaNode, path: string, old: Json | undefined, causes: Cause[]): void {
  if ((node.goType ?? '') !== '') return; // metadata has rules of its own
  if (old !== undefined && equal(value, old)) return; // ratcheting: what is as it was is not judged anew
  if (value === null && node.nullable) return;
  if (node.intOrString) {
    if (typeof value !== 'string' && !(typeof value === 'number' && Number.isInteger(value))) {
      causes.push(wrongType(path, 'integer,string', value));
    }
  } else if (node.type !== '' && !hasType(value, node.type)) causes.push(wrongType(path, node.type, value));
  const { checks } = node;
  if (checks) combine(value, checks, path, causes);
  if (typeof value === 'string') checkString(value, node, checks, path, causes);
  else if (typeof value === 'number') checkNumber(value, node, checks, path, causes);
  else if (Array.isArray(value)) checkArray(value, node, checks, path, old, causes);
  if (checks?.enum && !checks.enum.some(e => equal(e, value))) causes.push(notInEnum(path, value, checks.enum));
  if (isObject(value)) checkObject(value, node, checks, path, old, causes);
}

const wrongType = (path: string, type: string, value: Json): Cause =>
  typeInvalid(path || '<nil>', typeName(value), `${path} in body must be of type ${type}: ${JSON.stringify(typeName(value))}`);

function notInEnum(path: string, value: Json, values: readonly Json[]): Cause {
  const names = values.map(v => JSON.stringify(typeof v === 'string' ? v : JSON.stringify(v))).join(', ');
  return { reason: 'FieldValueNotSupported', message: `Unsupported value: ${quoteValue(value)}: supported values: ${names}`, field: path };
}

function checkString(value: string, node: SchemaNode, checks: Checks | undefined, path: string, causes: Cause[]): void {
  if (checks) {
    const length = checks.minLength !== undefined || checks.maxLength !== undefined ? Array.from(value).length : 0;
    if (checks.maxLength !== undefined && length > checks.maxLength) causes.push(tooLong(path, checks.maxLength));
    else if (checks.minLength !== undefined && length < checks.minLength) {
      causes.push(invalid(path, value, `${path} in body should be at least ${checks.minLength} chars long`));
    } else if (checks.pattern !== undefined && checks.regexp && !checks.regexp.test(value)) {
      causes.push(invalid(path, value, `${path} in body should match '${checks.pattern}'`));
    }
  }
  if (node.format !== '' && node.type !== 'integer' && node.type !== 'number' && !hasFormat(node.format, value)) {
    causes.push(typeInvalid(path, value, `${path} in body must be of type ${node.format.replaceAll('-', '-')}: ${JSON.stringify(value)}`));
  }
}

function checkNumber(value: number, node: SchemaNode, checks: Checks | undefined, path: string, causes: Cause[]): void {
  const integer = node.type === 'integer';
  if (integer) {
    const bad =
      !Number.isInteger(value) || (node.format === 'int32' && (value < -(2 ** 31) || value >= 2 ** 31)) || Math.abs(value) > 2 ** 63;
    if (bad)
      causes.push(
        loose(`Checked value must be of type integer ${node.format ? `with format ${node.format}` : '(default format)'} in ${path}`),
      );
  }
  if (!checks) return;
  if (checks.multipleOf !== undefined && !isMultiple(value, checks.multipleOf)) {
    causes.push(invalid(path, value, `${path} in body should be a multiple of ${checks.multipleOf}`));
  }
  if (checks.maximum !== undefined && (checks.exclusiveMaximum ? value >= checks.maximum : value > checks.maximum)) {
    causes.push(
      invalid(path, value, `${path} in body should be less than ${checks.exclusiveMaximum ? '' : 'or equal to '}${checks.maximum}`),
    );
  }
  if (checks.minimum !== undefined && (checks.exclusiveMinimum ? value <= checks.minimum : value < checks.minimum)) {
    causes.push(
      invalid(path, value, `${path} in body should be greater than ${checks.exclusiveMinimum ? '' : 'or equal to '}${checks.minimum}`),
    );
  }
}

function isMultiple(value: number, of: number): boolean {
  const ratio = value / of;
  return Math.abs(ratio - Math.round(ratio)) < 1e-9;
}

function checkArray(
  value: Json[],
  node: SchemaNode,
  checks: Checks | undefined,
  path: string,
  old: Json | undefined,
  causes: Cause[],
): void {
  if (node.items) {
    const before = correlate(value, node, old);
    for (let i = 0; i < value.length; i++) check(value[i] as Json, node.items, `${path}[${i}]`, before(i), causes);
  }
  if (checks?.minItems !== undefined && value.length < checks.minItems) {
    causes.push(invalid(path, value.length, `${path} in body should have at least ${checks.minItems} items`));
  }
  if (checks?.maxItems !== undefined && value.length > checks.maxItems) causes.push(tooMany(path, value.length, checks.maxItems));
}

/** The old item that an item of a list map corresponds to; items of other lists have none (they are ratcheted as a whole). */
export function correlate(value: readonly Json[], node: SchemaNode, old: Json | undefined): (index: number) => Json | undefined {
  if (!Array.isArray(old) || node.listType !== 'map') return () => undefined;
  const byKey = new Map(old.map(item => [listKey(item, node.listMapKeys), item]));
  return i => byKey.get(listKey(value[i] as Json, node.listMapKeys));
}

const listKey = (item: Json, keys: readonly string[]): string => (isObject(item) ? JSON.stringify(keys.map(k => item[k] ?? null)) : '');

function checkObject(
  value: JsonObject,
  node: SchemaNode,
  checks: Checks | undefined,
  path: string,
  old: Json | undefined,
  causes: Cause[],
): void {
  const count = checks?.minProperties !== undefined || checks?.maxProperties !== undefined ? Object.keys(value).length : 0;
  if (checks?.minProperties !== undefined && count < checks.minProperties) {
    causes.push(invalid(path, count, `${path} in body should have at least ${checks.minProperties} properties`));
    return;
  }
  if (checks?.maxProperties !== undefined && count > checks.maxProperties) {
    causes.push(tooMany(path, count, checks.maxProperties));
    return;
  }
  const before = isObject(old) ? old : undefined;
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  for (const key of Object.keys(value)) {
    const child = node.properties.get(key) ?? node.additional;
    if (child && value[key] !== undefined) check(value[key], child, at(key), before?.[key], causes);
  }
  for (const key of node.required) if (value[key] === undefined) causes.push(required(at(key)));
}

function combine(value: Json, checks: Checks, path: string, causes: Cause[]): void {
  const fails = (node: SchemaNode) => {
    const found: Cause[] = [];
    check(value, node, path, undefined, found);
    return found;
  };
  const quoted = JSON.stringify(path);
  if (checks.anyOf?.length) {
    const results = checks.anyOf.map(fails);
    if (results.every(r => r.length > 0)) causes.push(loose(`${quoted} must validate at least one schema (anyOf)`), ...best(results));
  }
  if (checks.oneOf?.length) {
    const results = checks.oneOf.map(fails);
    const passed = results.filter(r => r.length === 0).length;
    if (passed === 0) causes.push(loose(`${quoted} must validate one and only one schema (oneOf). Found none valid`), ...best(results));
    else if (passed > 1) causes.push(loose(`${quoted} must validate one and only one schema (oneOf). Found ${passed} valid alternatives`));
  }
  if (checks.allOf?.length) {
    const results = checks.allOf.map(fails);
    const passed = results.filter(r => r.length === 0).length;
    for (const r of results) causes.push(...r);
    if (passed < results.length)
      causes.push(loose(`${quoted} must validate all the schemas (allOf)${passed === 0 ? '. None validated' : ''}`));
  }
  if (checks.not && fails(checks.not).length === 0) causes.push(loose(`${quoted} must not validate the schema (not)`));
}

/** The errors of the alternative that came nearest. */
function best(results: Cause[][]): Cause[] {
  return results.reduce((a, b) => (b.length < a.length ? b : a), results[0] ?? []);
}

function checkLists(value: Json, node: SchemaNode, path: string, old: Json | undefined, causes: Cause[]): void {
  if (Array.isArray(value)) {
    if (node.listType !== 'atomic' && !(old !== undefined && equal(value, old))) {
      const seen = new Set<string>();
      for (let i = 0; i < value.length; i++) {
        const item = value[i] as Json;
        const key = node.listType === 'map' ? mapKey(item, node) : item;
        const text = JSON.stringify(key);
        if (seen.has(text)) causes.push(duplicate(`${path}[${i}]`, key));
        seen.add(text);
      }
    }
    const before = correlate(value, node, old);
    if (node.items) for (let i = 0; i < value.length; i++) checkLists(value[i] as Json, node.items, `${path}[${i}]`, before(i), causes);
    return;
  }
  if (!isObject(value)) return;
  const before = isObject(old) ? old : undefined;
  for (const key of Object.keys(value)) {
    const child = node.properties.get(key) ?? node.additional;
    if (child && value[key] !== undefined) checkLists(value[key], child, path === '' ? key : `${path}.${key}`, before?.[key], causes);
  }
}

function mapKey(item: Json, node: SchemaNode): Json {
  if (!isObject(item)) return item;
  const key: JsonObject = {};
  for (const name of node.listMapKeys.toSorted((a, b) => (a < b ? -1 : 1))) if (item[name] !== undefined) key[name] = item[name];
  return key;
}
