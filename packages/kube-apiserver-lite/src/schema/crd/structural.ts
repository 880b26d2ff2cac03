import { type Cause, duplicate, forbidden, invalid, notSupported, required } from '../../errors.ts';
import { goRegExp } from '../compile.ts';
import { isObject, type Json, type JsonObject, show } from '../json.ts';

/** What makes an OpenAPI schema structural (`k8s.io/apiextensions-apiserver/pkg/apiserver/schema`), in the real server's words. */

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const scalars = new Set(['boolean', 'integer', 'number', 'string']);

/** Checks one schema; `path` is where it lies (`spec.validation.openAPIV3Schema`). */
export function checkStructural(schema: JsonObject, path: string): Cause[] {
  const causes: Cause[] = [];
  checkSupported(schema, path, causes);
  if (causes.length === 0) checkLevel(schema, path, 'root', causes);
  return causes;
}

const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const entries = (value: Json | undefined): [string, JsonObject][] =>
  isObject(value) ? Object.entries(value).flatMap(([k, v]) => (isObject(v) ? [[k, v] as [string, JsonObject]] : [])) : [];

/** Keywords a CRD may not use, and how those it may use fit together. */
function checkSupported(schema: JsonObject, path: string, causes: Cause[]): void {
  for (const keyword of ['definitions', 'dependencies', 'id', 'patternProperties', '$ref', 'additionalItems'] as const) {
    if (schema[keyword] === undefined) continue;
    causes.push(forbidden(`${path}.${keyword}`, `${keyword} is not supported`));
  }
  if (schema.uniqueItems === true)
    causes.push(forbidden(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
  if (schema.additionalProperties === false)
    causes.push(forbidden(`${path}.additionalProperties`, 'additionalProperties cannot be set to false'));
  if (
    isObject(schema.properties) &&
    Object.keys(schema.properties).length > 0 &&
    schema.additionalProperties !== undefined &&
    schema.additionalProperties !== false
  ) {
    causes.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  }
  if (Array.isArray(schema.items)) causes.push(forbidden(`${path}.items`, 'items must be a schema object and not an array'));
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    causes.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  }
  if (typeof schema.type === 'string' && schema.type !== '' && !types.includes(schema.type))
    causes.push(notSupported(`${path}.type`, schema.type, types));
  if (typeof schema.pattern === 'string' && schema.pattern !== '' && !goRegExp(schema.pattern)) {
    causes.push(
      invalid(
        `${path}.pattern`,
        schema.pattern,
        `must be a valid regular expression, but isn't: error parsing regexp: \`${schema.pattern}\``,
      ),
    );
  }
  checkListType(schema, path, causes);
  checkMapType(schema, path, causes);
  if (isObject(schema.additionalProperties)) checkSupported(schema.additionalProperties, `${path}.additionalProperties`, causes);
  for (const [name, child] of entries(schema.properties)) checkSupported(child, `${path}.properties[${name}]`, causes);
  if (isObject(schema.not)) checkSupported(schema.not, `${path}.not`, causes);
  for (const keyword of ['allOf', 'oneOf', 'anyOf'] as const) {
    list(schema[keyword]).forEach((s, i) => {
      if (isObject(s)) checkSupported(s, `${path}.${keyword}[${i}]`, causes);
    });
  }
  if (isObject(schema.items)) checkSupported(schema.items, `${path}.items`, causes);
}

function checkListType(schema: JsonObject, path: string, causes: Cause[]): void {
  const type = schema['x-kubernetes-list-type'];
  const keys = list(schema['x-kubernetes-list-map-keys']).filter(k => typeof k === 'string');
  if (keys.length > 0 && type !== 'map')
    causes.push(
      typeof type === 'string'
        ? invalid(`${path}.x-kubernetes-list-type`, type, 'must be map if x-kubernetes-list-map-keys is non-empty')
        : required(`${path}.x-kubernetes-list-type`, 'must be map if x-kubernetes-list-map-keys is non-empty'),
    );
  if (type === undefined) return;
  if (schema.type !== 'array')
    causes.push(
      schema.type
        ? invalid(`${path}.type`, schema.type, 'must be array if x-kubernetes-list-type is set')
        : required(`${path}.type`, 'must be array if x-kubernetes-list-type is set'),
    );
  if (type !== 'atomic' && type !== 'set' && type !== 'map') {
    causes.push(notSupported(`${path}.x-kubernetes-list-type`, type, ['atomic', 'map', 'set']));
    return;
  }
  const items = isObject(schema.items) ? schema.items : undefined;
  if (type === 'set' && items) {
    if (items.nullable === true) causes.push(forbidden(`${path}.items.nullable`, 'cannot be nullable when x-kubernetes-list-type is set'));
    if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
      causes.push(
        invalid(
          `${path}.items.x-kubernetes-map-type`,
          items['x-kubernetes-map-type'] ?? null,
          'must be atomic as item of a list with x-kubernetes-list-type=set',
        ),
      );
    } else if (items.type === 'array' && items['x-kubernetes-list-type'] !== undefined && items['x-kubernetes-list-type'] !== 'atomic') {
      causes.push(
        invalid(
          `${path}.items.x-kubernetes-list-type`,
          items['x-kubernetes-list-type'],
          'must be atomic as item of a list with x-kubernetes-list-type=set',
        ),
      );
    }
  }
  if (type === 'map') checkListMap(items, keys, path, causes);
}

function checkListMap(items: JsonObject | undefined, keys: readonly string[], path: string, causes: Cause[]): void {
  if (keys.length === 0) {
    causes.push(required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
    return;
  }
  if (!items) {
    causes.push(required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'));
    return;
  }
  if (items.type !== 'object')
    causes.push(
      items.type
        ? invalid(`${path}.items.type`, items.type, "must be object if parent array's x-kubernetes-list-type is map")
        : required(`${path}.items.type`, "must be object if parent array's x-kubernetes-list-type is map"),
    );
  const properties = isObject(items.properties) ? items.properties : {};
  const seen = new Set<string>();
  keys.forEach((key, i) => {
    if (seen.has(key)) causes.push(duplicate(`${path}.x-kubernetes-list-map-keys[${i}]`, key));
    seen.add(key);
    const property = properties[key];
    if (!isObject(property)) {
      causes.push(invalid(`${path}.x-kubernetes-list-map-keys`, [...keys], 'entries must all be names of item properties'));
      return;
    }
    if (!scalars.has(show(property.type))) {
      causes.push(
        invalid(
          `${path}.items.properties[${key}].type`,
          property.type ?? '',
          "must be a scalar type if parent array's x-kubernetes-list-type is map",
        ),
      );
    }
    if (!list(items.required).includes(key) && property.default === undefined) {
      causes.push(
        required(
          `${path}.items.properties[${key}].default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
    }
    if (property.nullable === true)
      causes.push(
        forbidden(`${path}.items.properties[${key}].nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'),
      );
  });
}

function checkMapType(schema: JsonObject, path: string, causes: Cause[]): void {
  const type = schema['x-kubernetes-map-type'];
  if (type === undefined) return;
  if (schema.type !== 'object')
    causes.push(
      schema.type
        ? invalid(`${path}.type`, schema.type, 'must be object if x-kubernetes-map-type is specified')
        : required(`${path}.type`, 'must be object if x-kubernetes-map-type is specified'),
    );
  if (type !== 'atomic' && type !== 'granular') causes.push(notSupported(`${path}.x-kubernetes-map-type`, type, ['atomic', 'granular']));
}

type Level = 'root' | 'field' | 'item';
const missingType: Record<Level, string> = {
  root: 'must not be empty at the root',
  field: 'must not be empty for specified object fields',
  item: 'must not be empty for specified array items',
};

function checkLevel(schema: JsonObject, path: string, level: Level, causes: Cause[]): void {
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, child] of entries(schema.properties)) checkLevel(child, `${path}.properties[${name}]`, 'field', causes);
  if (isObject(schema.additionalProperties)) checkLevel(schema.additionalProperties, `${path}.additionalProperties`, 'field', causes);
  if (isObject(schema.items)) checkLevel(schema.items, `${path}.items`, 'item', causes);
  checkLogic(schema, schema, path, intOrString, causes);
  const type = typeof schema.type === 'string' ? schema.type : '';
  if (type === '' && !intOrString && !preserve) causes.push(required(`${path}.type`, missingType[level]));
  if (level === 'root' && type !== '' && type !== 'object') causes.push(invalid(`${path}.type`, type, 'must be object at the root'));
  if (intOrString && type !== '') causes.push(invalid(`${path}.type`, type, 'must be empty if x-kubernetes-int-or-string is true'));
  if (embedded) {
    if (type !== 'object')
      causes.push(
        type
          ? invalid(`${path}.type`, type, 'must be object if x-kubernetes-embedded-resource is true')
          : required(`${path}.type`, 'must be object if x-kubernetes-embedded-resource is true'),
      );
    if (!preserve && !isObject(schema.properties))
      causes.push(
        required(
          `${path}.properties`,
          'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
        ),
      );
  }
  if (type === 'array' && schema.items === undefined) causes.push(required(`${path}.items`, 'must be specified'));
  if (level === 'root' && isObject(schema.properties) && isObject(schema.properties.metadata))
    checkMetadata(schema.properties.metadata, `${path}.properties[metadata]`, causes);
}

/** `metadata` may only restrict names. */
function checkMetadata(schema: JsonObject, path: string, causes: Cause[]): void {
  for (const [name] of entries(schema.properties)) {
    if (name !== 'name' && name !== 'generateName')
      causes.push(forbidden(path, 'must not specify anything other than name and generateName, but metadata is implicitly specified'));
  }
}

const forbiddenInLogic = [
  'type',
  'title',
  'description',
  'default',
  'nullable',
  'additionalProperties',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
] as const;

/** allOf, anyOf, oneOf and not may only restrict what is declared outside of them. */
function checkLogic(schema: JsonObject, outside: JsonObject, path: string, intOrString: boolean, causes: Cause[]): void {
  const parts: [string, JsonObject][] = [];
  for (const keyword of ['allOf', 'anyOf', 'oneOf'] as const) {
    list(schema[keyword]).forEach((s, i) => {
      if (isObject(s)) parts.push([`${keyword}[${i}]`, s]);
    });
  }
  if (isObject(schema.not)) parts.push(['not', schema.not]);
  for (const [where, part] of parts) {
    const at = `${path}.${where}`;
    // The one pattern with types inside: anyOf integer or string, which says the same as x-kubernetes-int-or-string.
    const allowed =
      intOrString && where.startsWith('anyOf') && (part.type === 'integer' || part.type === 'string') && Object.keys(part).length === 1;
    if (!allowed) checkPart(part, outside, at, path, causes);
  }
}

function checkPart(part: JsonObject, outside: JsonObject, at: string, base: string, causes: Cause[]): void {
  for (const keyword of forbiddenInLogic) {
    const value = part[keyword];
    if (value === undefined || value === '' || value === false) continue;
    causes.push(
      forbidden(
        `${at}.${keyword}`,
        typeof value === 'boolean'
          ? 'must be false to be structural'
          : keyword === 'default'
            ? 'must be undefined to be structural'
            : 'must be empty to be structural',
      ),
    );
  }
  for (const [name, child] of entries(part.properties)) {
    const declared = isObject(outside.properties) ? outside.properties[name] : undefined;
    if (!isObject(declared)) {
      if (!isObject(outside.additionalProperties))
        causes.push(required(`${base}.properties[${name}]`, `because it is defined in ${at}.properties[${name}]`));
    } else checkPart(child, declared, `${at}.properties[${name}]`, `${base}.properties[${name}]`, causes);
  }
  if (isObject(part.items)) {
    if (isObject(outside.items)) checkPart(part.items, outside.items, `${at}.items`, `${base}.items`, causes);
    else causes.push(required(`${base}.items`, `because it is defined in ${at}.items`));
  }
  checkLogic(part, outside, at, false, causes);
}
