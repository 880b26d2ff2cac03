import { builtinDocument } from '../schema/builtin.ts';
import { isObject, type Json, type JsonObject } from '../schema/json.ts';
import type { ServedResource } from './index.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const intOrString = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';

/** Types the published models inline and the API's documents name. */
const named: Record<string, JsonObject> = {
  [intOrString]: {
    description:
      'IntOrString is a type that can hold an int32 or a string.  When used in JSON or YAML marshalling and unmarshalling, it produces or consumes the inner type.  This allows you to have, for example, a JSON field that can accept a name or number.',
    format: 'int-or-string',
    oneOf: [{ type: 'integer' }, { type: 'string' }],
  },
  [quantity]: {
    description: 'Quantity is a fixed-point representation of a number. It provides convenient marshaling/unmarshaling in JSON and YAML.',
    oneOf: [{ type: 'string' }, { type: 'number' }],
  },
  [`${meta}.Time`]: {
    description:
      'Time is a wrapper around time.Time which supports correct marshaling to YAML and JSON.  Wrappers are provided for many of the factory methods that the time package offers.',
    format: 'date-time',
    type: 'string',
  },
  [`${meta}.MicroTime`]: {
    description: 'MicroTime is version of Time with microsecond level precision.',
    format: 'date-time',
    type: 'string',
  },
  [`${meta}.FieldsV1`]: { description: 'FieldsV1 stores a set of fields in a data structure like a Trie, in JSON format.', type: 'object' },
  [`${meta}.Patch`]: {
    description: 'Patch is provided to give a concrete name and type to the Kubernetes PATCH request body.',
    type: 'object',
  },
};

/** The components of a document: collects what is referred to. */
export class Components {
  readonly schemas: Record<string, JsonObject> = {};
  readonly #prefix: string;

  /** `prefix`: `#/components/schemas/` (v3) or `#/definitions/` (v2). */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  ref(name: string): JsonObject {
    if (!this.schemas[name]) {
      const source = named[name] ?? builtinDocument().schemas[name];
      this.schemas[name] = {};
      if (source) this.schemas[name] = named[name] ?? this.published(source);
    }
    return { $ref: `${this.#prefix}${name}` };
  }

  /** A schema as the documents show it: names for what the API names, our own markers gone. */
  published(source: JsonObject): JsonObject {
    if (typeof source.$ref === 'string') return this.#wrap(source.$ref, source);
    if (source['x-kubernetes-int-or-string'] === true && source.type === undefined) return this.#wrap(intOrString, source);
    if (source.format === 'quantity') return this.#wrap(quantity, source);
    if (source.format === 'date-time') return this.#wrap(`${meta}.Time`, source);
    if (source.format === 'micro-time') return this.#wrap(`${meta}.MicroTime`, source);
    const result: JsonObject = {};
    for (const key of Object.keys(source)) {
      if (key.startsWith('x-go-')) continue;
      const value = source[key] as Json;
      if (key === 'properties' && isObject(value)) {
        result[key] = Object.fromEntries(Object.entries(value).map(([name, p]) => [name, isObject(p) ? this.published(p) : {}]));
      } else if ((key === 'items' || key === 'additionalProperties') && isObject(value)) result[key] = this.published(value);
      else result[key] = value;
    }
    return result;
  }

  #wrap(name: string, source: JsonObject): JsonObject {
    const ref = this.ref(name);
    const { $ref: _, 'x-go-value': byValue, type: _type, format: _format, 'x-kubernetes-int-or-string': _i, ...rest } = source;
    for (const key of Object.keys(rest)) if (key.startsWith('x-go-')) delete rest[key];
    if (Object.keys(rest).length === 0) return ref;
    return { allOf: [ref], ...(byValue === true ? { default: {} } : {}), ...rest };
  }

  /** Adds a served kind and its list; returns their names. */
  kind(resource: ServedResource): { name: string; list: string } {
    const gvk = { group: resource.group, kind: resource.kind, version: resource.version };
    const builtin = builtinDocument().resources.find(
      r => r.group === resource.group && r.version === resource.version && r.kind === resource.kind,
    );
    const name = builtin?.schema ?? `${resource.group.split('.').toReversed().join('.')}.${resource.version}.${resource.kind}`;
    const list = `${name}List`;
    if (!this.schemas[list]) {
      if (resource.schema) this.schemas[name] = this.custom(resource.schema);
      else this.ref(name);
      const schema = this.schemas[name];
      if (schema) schema['x-kubernetes-group-version-kind'] = [gvk];
      this.schemas[list] = {
        description: `${resource.kind}List is a list of ${resource.kind}`,
        type: 'object',
        required: ['items'],
        properties: {
          apiVersion: { type: 'string', description: apiVersionText },
          items: { type: 'array', description: `List of ${resource.plural}.`, items: this.ref(name) },
          kind: { type: 'string', description: kindText },
          metadata: { allOf: [this.ref(`${meta}.ListMeta`)], description: 'Standard list metadata.' },
        },
        'x-kubernetes-group-version-kind': [{ ...gvk, kind: `${resource.kind}List` }],
      };
    }
    return { name, list };
  }

  custom(schema: JsonObject): JsonObject {
    const properties = isObject(schema.properties) ? schema.properties : {};
    return {
      ...schema,
      properties: {
        ...properties,
        apiVersion: { type: 'string', description: apiVersionText },
        kind: { type: 'string', description: kindText },
        metadata: {
          allOf: [this.ref(`${meta}.ObjectMeta`)],
          description:
            "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
        },
      },
    };
  }
}

const apiVersionText =
  'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources';
const kindText =
  'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds';
