/** A mistake in a kind's definition, found when its CRD is generated: long before a cluster would refuse it. */
export class SchemaError extends Error {
  readonly code = 'INVALID_SCHEMA';
  override readonly name = 'SchemaError';
}

/** A structural schema (Kubernetes `JSONSchemaProps` as far as Herald uses it). */
export interface StructuralSchema {
  type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  format?: string;
  default?: unknown;
  enum?: readonly unknown[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: StructuralSchema;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, StructuralSchema>;
  required?: readonly string[];
  additionalProperties?: StructuralSchema;
  minProperties?: number;
  maxProperties?: number;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: readonly string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-validations'?: readonly ValidationRule[];
}

/** A CEL rule (`x-kubernetes-validations`). */
export interface ValidationRule {
  rule: string;
  message: string;
  fieldPath?: string;
}

const common = ['type', 'description', 'default', 'x-kubernetes-validations'];
const allowed: Readonly<Record<string, ReadonlySet<string>>> = {
  object: new Set([...common, 'properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties', 'x-kubernetes-map-type']),
  array: new Set([...common, 'items', 'minItems', 'maxItems', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys']),
  string: new Set([...common, 'format', 'enum', 'pattern', 'minLength', 'maxLength']),
  integer: new Set([...common, 'format', 'minimum', 'maximum']),
  number: new Set([...common, 'format', 'minimum', 'maximum']),
  boolean: new Set(common),
};

/**
 * Checks that what zod made of a schema is a structural schema that a real API server accepts, and that everything in it is bounded:
 * the server estimates the cost of CEL rules from `maxItems`, `maxLength` and `maxProperties` and refuses the CRD otherwise.
 * Drops what zod adds for JSON Schema only. Throws {@link SchemaError} naming the field.
 */
export function toStructuralSchema(json: unknown, path: string): StructuralSchema {
  const fail = (why: string): never => {
    throw new SchemaError(`${path}: ${why}`);
  };
  if (!isRecord(json)) return fail('not a schema');
  const { propertyNames: _, $schema: __, ...schema } = json;
  const type = String(schema['type']);
  const keys = allowed[type];
  if (keys === undefined) return fail(`type ${type} is not allowed in a structural schema (unions and "any" are not expressible)`);
  for (const key of Object.keys(schema)) if (!keys.has(key)) fail(`${key} is not allowed beside type ${type}`);
  if (typeof schema['description'] !== 'string' || schema['description'] === '') fail('has no description');

  switch (type) {
    case 'object':
      return objectSchema(schema, path, fail);
    case 'array':
      return arraySchema(schema, path, fail);
    case 'string':
      if (schema['enum'] === undefined && schema['maxLength'] === undefined && schema['format'] !== 'date-time')
        fail('a string needs maxLength, an enum or format date-time');
      break;
    case 'integer': {
      const { minimum, maximum } = schema;
      if (typeof minimum !== 'number' || typeof maximum !== 'number') return fail('an integer needs minimum and maximum');
      if (schema['format'] === undefined) schema['format'] = minimum >= -(2 ** 31) && maximum < 2 ** 31 ? 'int32' : 'int64';
      break;
    }
    case 'boolean':
      break;
    default:
      fail(`${type} is not used in Herald's kinds`);
  }
  return schema as unknown as StructuralSchema;
}

type Fail = (why: string) => never;

function objectSchema(schema: Record<string, unknown>, path: string, fail: Fail): StructuralSchema {
  const { properties, additionalProperties, ...rest } = schema;
  if (additionalProperties === false || isRecord(properties) === isRecord(additionalProperties))
    fail('an object needs either properties or additionalProperties');
  if (isRecord(additionalProperties)) {
    if (schema['maxProperties'] === undefined) fail('a map needs maxProperties');
    const value = { description: 'The value.', ...additionalProperties };
    return { ...rest, additionalProperties: toStructuralSchema(value, `${path}{}`) } as unknown as StructuralSchema;
  }
  const fields = Object.entries(properties as Record<string, unknown>);
  return {
    ...rest,
    properties: Object.fromEntries(fields.map(([name, field]) => [name, toStructuralSchema(field, `${path}.${name}`)])),
  } as unknown as StructuralSchema;
}

function arraySchema(schema: Record<string, unknown>, path: string, fail: Fail): StructuralSchema {
  if (schema['maxItems'] === undefined) fail('a list needs maxItems');
  const own = isRecord(schema['items']) ? schema['items'] : fail('a list needs items');
  const items = toStructuralSchema({ description: 'One entry.', ...own }, `${path}[]`);
  const mapKeys = schema['x-kubernetes-list-map-keys'];
  if ((schema['x-kubernetes-list-type'] === 'map') !== Array.isArray(mapKeys)) fail('list-type map and list-map-keys go together');
  for (const key of Array.isArray(mapKeys) ? mapKeys.map(String) : []) {
    const field = items.properties?.[key];
    if (field === undefined) fail(`list map key ${key} is not a property of the items`);
    else if (field.default === undefined && !items.required?.includes(key)) fail(`list map key ${key} is neither required nor defaulted`);
  }
  return { ...schema, items } as unknown as StructuralSchema;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
