import { describe, expect, it } from 'vitest';
import { isObject, type Json, type JsonObject } from '../schema/json.ts';
import { openApiDocuments, type ServedResource } from './index.ts';

const services: ServedResource = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
  subresources: ['status'],
};
const ponds: ServedResource = {
  group: 'example.com',
  version: 'v1',
  kind: 'Pond',
  plural: 'ponds',
  namespaced: false,
  subresources: [],
  schema: {
    type: 'object',
    properties: { spec: { type: 'object', properties: { depth: { type: 'integer', description: 'How deep.' } } } },
  },
};
const documents = openApiDocuments([services, ponds], 'v1.36.2');
const read = (path: string): JsonObject => JSON.parse(documents.v3(path)?.body ?? '{}') as JsonObject;
const at = (value: Json | undefined, ...path: string[]): Json | undefined =>
  path.reduce<Json | undefined>((v, key) => (isObject(v) ? v[key] : undefined), value);

describe('OpenAPI documents', () => {
  it('list what is served, by content', () => {
    expect(documents.index()).toEqual({
      paths: {
        'api/v1': { serverRelativeURL: `/openapi/v3/api/v1?hash=${documents.v3('api/v1')?.hash}` },
        'apis/example.com/v1': { serverRelativeURL: `/openapi/v3/apis/example.com/v1?hash=${documents.v3('apis/example.com/v1')?.hash}` },
      },
    });
    expect(documents.v3('apis/nothing/v1')).toBeUndefined();
  });

  it('change their hash with a schema, and only then', () => {
    const again = openApiDocuments([services, { ...ponds, schema: { type: 'object' } }], 'v1.36.2');
    expect(again.v3('api/v1')?.hash).toBe(documents.v3('api/v1')?.hash);
    expect(again.v3('apis/example.com/v1')?.hash).not.toBe(documents.v3('apis/example.com/v1')?.hash);
  });

  it('tell kubectl that the server validates', () => {
    const patch = at(read('api/v1'), 'paths', '/api/v1/namespaces/{namespace}/services/{name}', 'patch');
    expect(at(patch, 'x-kubernetes-group-version-kind')).toEqual({ group: '', kind: 'Service', version: 'v1' });
    expect((at(patch, 'parameters') as JsonObject[]).map(p => p.name)).toContain('fieldValidation');
    expect(at(read('apis/example.com/v1'), 'paths', '/apis/example.com/v1/ponds/{name}', 'patch')).toBeDefined();
  });

  it('hold every schema they refer to, and none of the markers of our own', () => {
    for (const path of ['api/v1', 'apis/example.com/v1']) {
      const { body } = documents.v3(path) ?? { body: '' };
      const known = new Set(Object.keys(at(read(path), 'components', 'schemas') as JsonObject));
      for (const [, name = ''] of body.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) expect(known.has(name), name).toBe(true);
      expect(body).not.toContain('x-go-');
    }
  });

  it('describe custom resources with the members every object has', () => {
    const pond = at(read('apis/example.com/v1'), 'components', 'schemas', 'com.example.v1.Pond');
    expect(at(pond, 'properties', 'spec', 'properties', 'depth', 'description')).toBe('How deep.');
    expect(at(pond, 'properties', 'metadata', 'allOf')).toEqual([
      { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
    ]);
  });

  it('exist as Swagger 2.0 too', () => {
    const v2 = JSON.parse(documents.v2()) as JsonObject;
    expect(v2.swagger).toBe('2.0');
    expect(at(v2, 'definitions', 'io.k8s.api.core.v1.ServicePort', 'properties', 'port', 'type')).toBe('integer');
  });
});
