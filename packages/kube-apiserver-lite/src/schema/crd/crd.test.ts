import { describe, expect, it } from 'vitest';
import { defaultCrd, validateCrd } from '../index.ts';
import type { JsonObject } from '../json.ts';

const schema: JsonObject = { type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'string' } } } } };
const version = (openAPIV3Schema: JsonObject | undefined, more: JsonObject = {}): JsonObject => ({
  name: 'v1',
  served: true,
  storage: true,
  ...(openAPIV3Schema ? { schema: { openAPIV3Schema } } : {}),
  ...more,
});
function crd(versions: JsonObject[], spec: JsonObject = {}, name = 'ponds.example.com'): JsonObject {
  const object: JsonObject = {
    metadata: { name },
    spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'ponds', kind: 'Pond' }, versions, ...spec },
  };
  defaultCrd(object);
  return object;
}
const said = (object: JsonObject, old?: JsonObject) => validateCrd(object, old).map(c => `${c.field}: ${c.message}`);
const root = 'spec.validation.openAPIV3Schema';
const inSpec = (properties: JsonObject): JsonObject => ({ type: 'object', properties: { spec: { type: 'object', properties } } });

describe('validateCrd', () => {
  it('fills in names and conversion', () => {
    expect(crd([version(schema)]).spec).toMatchObject({
      names: { singular: 'pond', listKind: 'PondList' },
      conversion: { strategy: 'None' },
    });
  });

  const table: [string, JsonObject, string[]][] = [
    ['a good one', crd([version(schema)]), []],
    [
      'a name that is not plural.group',
      crd([version(schema)], {}, 'x.example.com'),
      ['metadata.name: Invalid value: "x.example.com": must be spec.names.plural+"."+spec.group'],
    ],
    ['no schema', crd([version(undefined)]), ['spec.versions[0].schema.openAPIV3Schema: Required value']],
    [
      'a field without type',
      crd([version(inSpec({ x: { properties: {} } }))]),
      [`${root}.properties[spec].properties[x].type: Required value: must not be empty for specified object fields`],
    ],
    [
      'an item without type',
      crd([version(inSpec({ x: { type: 'array', items: {} } }))]),
      [`${root}.properties[spec].properties[x].items.type: Required value: must not be empty for specified array items`],
    ],
    [
      'an array without items',
      crd([version(inSpec({ x: { type: 'array' } }))]),
      [`${root}.properties[spec].properties[x].items: Required value: must be specified`],
    ],
    [
      'additionalProperties beside properties',
      crd([version(inSpec({ x: { type: 'object', properties: { y: { type: 'string' } }, additionalProperties: true } }))]),
      [`${root}.properties[spec].properties[x].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
    ],
    [
      'a list map without keys',
      crd([version(inSpec({ x: { type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'map' } }))]),
      [
        `${root}.properties[spec].properties[x].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
      ],
    ],
    [
      'a default of another type',
      crd([version(inSpec({ n: { type: 'integer', default: 'x' } }))]),
      [`${root}.properties[spec].properties[n].default: Invalid value: "string":  in body must be of type integer: "string"`],
    ],
    [
      'a default with unknown fields',
      crd([version(inSpec({ n: { type: 'object', properties: { a: { type: 'string' } }, default: { b: 1 } } }))]),
      [`${root}.properties[spec].properties[n].default: Invalid value: {"b":1}: must not have unknown fields`],
    ],
    [
      '$ref',
      crd([version(inSpec({ n: { type: 'object', $ref: '#/x' } }))]),
      [`${root}.properties[spec].properties[n].$ref: Forbidden: $ref is not supported`],
    ],
    [
      'two schemas: paths name the version',
      crd([version(schema), version(inSpec({ x: {} }), { name: 'v2', storage: false })]),
      [
        'spec.versions[1].schema.openAPIV3Schema.properties[spec].properties[x].type: Required value: must not be empty for specified object fields',
      ],
    ],
    [
      'a column of no type',
      crd([version(schema, { additionalPrinterColumns: [{ name: 'X', type: 'float', jsonPath: 'spec.a' }] })]),
      [
        'spec.additionalPrinterColumns[0].type: Unsupported value: "float": supported values: "boolean", "date", "integer", "number", "string"',
        'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec.a": must be a simple json path starting with .',
      ],
    ],
    [
      'a selectable field that is not there',
      crd([version(schema, { selectableFields: [{ jsonPath: '.spec.b' }] })]),
      ['spec.selectableFields[0].jsonPath: Invalid value: ".spec.b": is an invalid path: does not refer to a valid field'],
    ],
    [
      'scale outside spec',
      crd([version(schema, { subresources: { scale: { specReplicasPath: '.status.n', statusReplicasPath: '.status.n' } } })]),
      ['spec.subresources.scale.specReplicasPath: Invalid value: ".status.n": should be a json path under .spec'],
    ],
    [
      'a group of one word',
      crd([version(schema)], { group: 'example' }, 'ponds.example'),
      ['spec.group: Invalid value: "example": should be a domain with at least one dot'],
    ],
    [
      'a protected group',
      crd([version(schema)], { group: 'x.k8s.io' }, 'ponds.x.k8s.io'),
      [
        'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
      ],
    ],
  ];
  it.each(table)('%s', (_, object, expected) => {
    expect(said(object)).toEqual(expected);
  });

  it('keeps scope and kind once established', () => {
    const old = { ...crd([version(schema)]), status: { conditions: [{ type: 'Established', status: 'True' }] } };
    expect(said(crd([version(schema)], { scope: 'Cluster' }), old)).toEqual(['spec.scope: Invalid value: "Cluster": field is immutable']);
  });
});
