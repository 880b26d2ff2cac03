import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtinSchema, compileCrdSchema, type JsonObject } from '../schema/index.ts';
import {
  difference,
  emptySet,
  type FieldPath,
  fromFieldsV1,
  intersection,
  isEmpty,
  paths,
  recursiveDifference,
  setOf,
  toFieldsV1,
  union,
} from './field-set.ts';
import { type FieldWrite, isNoop, serverSideApply, trackUpdate } from './index.ts';

const schemaOf = (kind: string, group = '', version = 'v1') => {
  const schema = builtinSchema({ group, version, kind });
  if (!schema) throw new Error(`no schema for ${kind}`);
  return schema;
};
const configMap = schemaOf('ConfigMap');
const service = schemaOf('Service');
const write = (manager: string, more: Partial<FieldWrite> = {}): FieldWrite => ({
  schema: configMap,
  manager,
  apiVersion: 'v1',
  subresource: '',
  now: '2026-01-01T00:00:00Z',
  ...more,
});
const cm = (data?: JsonObject): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'n' },
  ...(data ? { data } : {}),
});
const svc = (spec: JsonObject): JsonObject => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'n' }, spec });

function applied(live: JsonObject | undefined, body: JsonObject, w: FieldWrite, force = false): JsonObject {
  const result = serverSideApply(live, body, { ...w, force });
  if (!result.ok) throw new Error(result.message);
  return result.object;
}
const managed = (object: JsonObject) =>
  ((object.metadata as JsonObject).managedFields as JsonObject[] | undefined)?.map(e => [
    e.manager,
    e.operation,
    e.subresource,
    e.fieldsV1,
    e.time !== undefined,
  ]) ?? [];
const holding = (it: unknown): JsonObject => ({ apiVersion: 'x/v1', kind: 'K', metadata: { name: 'a' }, spec: { it } as JsonObject });

describe('serverSideApply', () => {
  it('owns leaves only, structs through their members', () => {
    expect(managed(applied(undefined, { ...cm({ k: '1' }), metadata: { name: 'a', labels: { l: 'x' } } }, write('one')))).toEqual([
      ['one', 'Apply', undefined, { 'f:data': { 'f:k': {} }, 'f:metadata': { 'f:labels': { 'f:l': {} } } }, true],
    ]);
  });

  it('refuses to change what another manager applied, and names it', () => {
    const one = applied(undefined, cm({ k: '1', j: '1' }), write('one'));
    expect(serverSideApply(one, cm({ k: '2', m: '2' }), { ...write('two'), force: false })).toEqual({
      ok: false,
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "one": .data.k',
      causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.k' }],
    });
  });

  it('takes the field when forced, and removes what is applied no longer', () => {
    const one = applied(undefined, cm({ k: '1', j: '1' }), write('one'));
    const two = applied(one, cm({ k: '2', m: '2' }), write('two'), true);
    expect(managed(two).map(e => e[3])).toEqual([{ 'f:data': { 'f:j': {} } }, { 'f:data': { 'f:k': {}, 'f:m': {} } }]);
    const three = applied(two, cm({}), write('one'));
    expect(three.data).toEqual({ k: '2', m: '2' });
    expect(managed(three)[0]?.[3]).toEqual({ 'f:data': {} });
  });

  it('shares a field of the same value without a time of its own, and keeps it until the last owner lets go', () => {
    const both = applied(applied(undefined, cm({ k: '1' }), write('one')), cm({ k: '1' }), write('two'));
    expect(managed(both)).toEqual([
      ['two', 'Apply', undefined, { 'f:data': { 'f:k': {} } }, false],
      ['one', 'Apply', undefined, { 'f:data': { 'f:k': {} } }, true],
    ]);
    const left = applied(both, cm(), write('one'));
    expect(left.data).toEqual({ k: '1' });
    const gone = applied(left, cm(), write('two'));
    expect(gone.data).toBeUndefined();
    expect(managed(gone)).toEqual([]);
  });

  it('conflicts with an updater by version', () => {
    const made = trackUpdate(undefined, cm({ k: '1' }), write('maker'));
    expect(managed(made)).toEqual([['maker', 'Update', undefined, { 'f:data': { '.': {}, 'f:k': {} } }, true]]);
    const patched = trackUpdate(made, cm({ k: '2', x: '9' }), write('patcher'));
    expect(managed(patched).map(e => [e[0], e[3]])).toEqual([
      ['maker', { 'f:data': {} }],
      ['patcher', { 'f:data': { 'f:k': {}, 'f:x': {} } }],
    ]);
    const result = serverSideApply(patched, cm({ k: '3' }), { ...write('one'), force: false });
    expect(result.ok ? '' : result.message).toBe('Apply failed with 1 conflict: conflict with "patcher" using v1: .data.k');
  });

  it('merges list maps by key and fills the key from its default', () => {
    const w = { schema: service };
    const one = applied(undefined, svc({ selector: { a: 'b' }, ports: [{ name: 'a', port: 80 }] }), write('one', w));
    expect(managed(one)[0]?.[3]).toEqual({
      'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } }, 'f:selector': {} },
    });
    const two = applied(one, svc({ ports: [{ name: 'b', port: 81, protocol: 'TCP' }] }), write('two', w));
    expect(((two.spec as JsonObject).ports as JsonObject[]).map(p => p.port)).toEqual([80, 81]);
    const three = applied(two, svc({ selector: { a: 'b' } }), write('one', w));
    expect(((three.spec as JsonObject).ports as JsonObject[]).map(p => p.port)).toEqual([81]);
  });

  it.each([
    ['map', { hops: 1 }, {}],
    ['list', [{ id: 'a' }], []],
  ] as const)('leaves alone what others put into an applied empty %s', (_, filled, empty) => {
    const schema = compileCrdSchema({
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          properties: {
            it: Array.isArray(empty)
              ? {
                  type: 'array',
                  'x-kubernetes-list-type': 'map',
                  'x-kubernetes-list-map-keys': ['id'],
                  items: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
                }
              : { type: 'object', properties: { hops: { type: 'integer', default: 1 } } },
          },
        },
      },
    });
    const w = write('one', { schema, apiVersion: 'x/v1', kind: 'K' });
    const first = applied(undefined, holding(empty), w);
    const live: JsonObject = { ...first, spec: { it: filled } as JsonObject };
    const again = serverSideApply(live, holding(empty), { ...w, force: false });
    expect(again).toMatchObject({ ok: true, changed: false, object: { spec: { it: filled } } });
    expect(again.ok && managed(again.object)).toEqual(managed(live));
  });

  it('notices a body of another kind', () => {
    const w = { ...write('one', { kind: 'ConfigMap' }), force: false };
    expect(serverSideApply(undefined, { ...cm(), kind: 'Secret' }, w)).toMatchObject({ ok: false, code: 400 });
  });

  it('keeps subresources apart', () => {
    const made = trackUpdate(
      undefined,
      { ...svc({ ports: [{ port: 80, protocol: 'TCP' }] }), status: { loadBalancer: {} } },
      write('me', { schema: service, resetFields: [['status']] }),
    );
    const status = { schema: service, subresource: 'status', resetFields: [['spec']] };
    const first = applied(made, { ...svc({}), status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } }, write('alloc', status));
    expect(managed(first)[0]).toEqual(['alloc', 'Apply', 'status', { 'f:status': { 'f:loadBalancer': { 'f:ingress': {} } } }, true]);
    const result = serverSideApply(
      first,
      { ...svc({}), status: { loadBalancer: { ingress: [{ ip: '192.0.2.2' }] } } },
      { ...write('ann', status), force: false },
    );
    expect(result.ok ? '' : result.message).toBe(
      'Apply failed with 1 conflict: conflict with "alloc" with subresource "status": .status.loadBalancer.ingress',
    );
  });

  const refusals: [string, JsonObject, string][] = [
    ['another version', { ...cm(), apiVersion: 'v2' }, 'invalid object type: /v2, Kind=ConfigMap'],
    [
      'managedFields in the body',
      { ...cm(), metadata: { name: 'a', managedFields: [{ manager: 'x' }] } },
      'metadata.managedFields must be nil',
    ],
    [
      'an unknown field',
      { ...cm(), dato: {} },
      'failed to create typed patch object (n/a; /v1, Kind=ConfigMap): .dato: field not declared in schema',
    ],
    [
      'a wrong type',
      cm({ k: 1 }),
      'failed to create typed patch object (n/a; /v1, Kind=ConfigMap): .data.k: expected string, got &value.valueUnstructured{Value:1}',
    ],
  ];
  it.each(refusals)('refuses %s', (_, body, message) => {
    const result = serverSideApply(undefined, body, { ...write('one'), force: false });
    expect(result.ok ? '' : result.message).toBe(message);
  });
});

describe('trackUpdate', () => {
  it('starts a custom resource from nothing', () => {
    const schema = compileCrdSchema({
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          properties: { a: { type: 'array', items: { type: 'string' } }, m: { type: 'object', additionalProperties: { type: 'string' } } },
        },
      },
    });
    const made = trackUpdate(
      undefined,
      { apiVersion: 'x/v1', kind: 'K', metadata: { name: 'a' }, spec: { a: ['x'], m: { k: 'v' } } },
      write('me', { schema, apiVersion: 'x/v1' }),
    );
    expect(managed(made)[0]?.[3]).toEqual({ 'f:spec': { '.': {}, 'f:a': {}, 'f:m': { '.': {}, 'f:k': {} } } });
  });

  it('keeps ten updaters apart and puts older ones together', () => {
    let live = trackUpdate(undefined, cm({ k0: '0' }), write('m0'));
    for (let i = 1; i < 14; i++) {
      const data = { ...(live.data as JsonObject), [`k${i}`]: String(i) };
      live = trackUpdate(live, { ...live, data }, write(`m${i}`, { now: `2026-01-01T00:00:${String(i).padStart(2, '0')}Z` }));
    }
    const names = managed(live).map(e => e[0]);
    expect(names).toHaveLength(10);
    expect(names[0]).toBe('ancient-changes');
  });

  it('forgets managers when asked, and then tracks nothing', () => {
    const live = trackUpdate(undefined, cm({ k: '1' }), write('me'));
    const reset = trackUpdate(live, { ...cm({ k: '2' }), metadata: { name: 'a', managedFields: [{}] } }, write('me'));
    expect(managed(reset)).toEqual([]);
    expect(managed(trackUpdate(reset, cm({ k: '3' }), write('me')))).toEqual([]);
  });

  it('is a no-op when nothing changes but times', () => {
    const live = trackUpdate(undefined, cm({ k: '1' }), write('me'));
    expect(isNoop(live, trackUpdate(live, { ...live }, write('other', { now: '2030-01-01T00:00:00Z' })))).toBe(true);
    expect(isNoop(live, trackUpdate(live, { ...live, data: { k: '2' } }, write('me')))).toBe(false);
  });
});

const texts = (s: ReturnType<typeof setOf>) => new Set(paths(s).map(p => p.join(' ')));

describe('field sets', () => {
  const element = fc.constantFrom('f:a', 'f:b', 'k:{"n":"x"}', 'v:1');
  const path: fc.Arbitrary<FieldPath> = fc.array(element, { minLength: 1, maxLength: 4 });
  const set = fc.array(path, { maxLength: 8 }).map(setOf);

  it('obey the laws of sets', () => {
    fc.assert(
      fc.property(set, set, set, (a, b, c) => {
        expect(texts(union(a, b))).toEqual(new Set([...texts(a), ...texts(b)]));
        expect(texts(intersection(a, b))).toEqual(new Set([...texts(a)].filter(x => texts(b).has(x))));
        expect(texts(difference(a, b))).toEqual(new Set([...texts(a)].filter(x => !texts(b).has(x))));
        expect(isEmpty(difference(a, a))).toBe(true);
        expect(texts(union(a, union(b, c)))).toEqual(texts(union(union(a, b), c)));
        expect(texts(recursiveDifference(a, emptySet))).toEqual(texts(a));
      }),
    );
  });

  it('survive their JSON form', () => {
    fc.assert(
      fc.property(set, a => {
        expect(texts(fromFieldsV1(toFieldsV1(a)) ?? emptySet)).toEqual(texts(a));
      }),
    );
  });
});

describe('apply laws', () => {
  const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'));

  it('is idempotent, gives the applier what it asked, and leaves the others theirs', () => {
    fc.assert(
      fc.property(data, data, data, (first, second, third) => {
        const one = applied(undefined, cm(first), write('one'));
        const two = applied(one, cm(second), write('two'), true);
        const again = serverSideApply(two, cm(second), { ...write('two'), force: false });
        expect(again.ok && !again.changed && isNoop(two, again.object)).toBe(true);
        expect(two.data ?? {}).toMatchObject(second);
        const last = applied(two, cm(third), write('one'), true);
        expect(last.data ?? {}).toMatchObject(third);
        for (const key of Object.keys(second)) if (!(key in third)) expect((last.data as JsonObject)[key]).toBe(second[key]);
      }),
    );
  });
});
