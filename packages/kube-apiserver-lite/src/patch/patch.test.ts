import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtinSchema, define, equal, isObject, type Json, type JsonObject } from '../schema/index.ts';
import { applyPatch, type PatchType } from './index.ts';

const service = builtinSchema({ group: '', version: 'v1', kind: 'Service' });
const deployment = builtinSchema({ group: 'apps', version: 'v1', kind: 'Deployment' });
const patched = (type: PatchType, current: JsonObject, patch: Json, schema = service): Json => {
  const result = applyPatch(type, current, patch, schema);
  return result.ok ? result.object : `${result.code} ${result.message}`;
};
const failed = '422 the server rejected our request due to an error in our request';

describe('JSON patch (RFC 6902)', () => {
  const table: [string, JsonObject, Json, Json][] = [
    ['adds a member', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    ['inserts into a list', { l: [1, 3] }, [{ op: 'add', path: '/l/1', value: 2 }], { l: [1, 2, 3] }],
    ['appends with -', { l: [1] }, [{ op: 'add', path: '/l/-', value: 2 }], { l: [1, 2] }],
    ['unescapes pointers', { 'a/b': { '~': 1 } }, [{ op: 'replace', path: '/a~1b/~0', value: 2 }], { 'a/b': { '~': 2 } }],
    ['moves', { a: { b: 1 } }, [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: 1 }],
    ['copies', { a: [1] }, [{ op: 'copy', from: '/a', path: '/b' }], { a: [1], b: [1] }],
    ['stops at a failing test', { a: 1 }, [{ op: 'test', path: '/a', value: 2 }], failed],
    ['removes nothing that is not there', { a: 1 }, [{ op: 'remove', path: '/b' }], failed],
    ['does not move into itself', { a: { b: 1 } }, [{ op: 'move', from: '/a', path: '/a/b' }], failed],
    ['needs a parent', {}, [{ op: 'add', path: '/a/b', value: 1 }], failed],
    ['knows six operations', {}, [{ op: 'merge', path: '/a', value: 1 }], failed],
    [
      'is a list',
      {},
      { op: 'add' },
      '400 error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    ],
    ['keeps the object an object', { a: 1 }, [{ op: 'replace', path: '', value: 3 }], failed],
  ];
  it.each(table)('%s', (_, current, patch, expected) => {
    expect(patched('json', current, patch)).toEqual(expected);
  });

  it('does not touch prototypes', () => {
    const result = applyPatch('json', {}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }]);
    expect(result.ok).toBe(true);
    expect(({} as JsonObject).polluted).toBeUndefined();
  });
});

describe('merge patch (RFC 7386)', () => {
  const table: [string, JsonObject, Json, Json][] = [
    ['null deletes', { a: { b: 1, c: 2 } }, { a: { b: null } }, { a: { c: 2 } }],
    ['lists are replaced', { l: [1, 2] }, { l: [3] }, { l: [3] }],
    ['nulls in new members are dropped', {}, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
    ['a scalar gives way to an object', { a: 1 }, { a: { b: 2 } }, { a: { b: 2 } }],
    [
      'a patch is an object',
      {},
      [1],
      '400 error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    ],
  ];
  it.each(table)('%s', (_, current, patch, expected) => {
    expect(patched('merge', current, patch)).toEqual(expected);
  });

  /** The patch that makes `b` of `a`. */
  const diff = (a: JsonObject, b: JsonObject): JsonObject => {
    const patch: JsonObject = {};
    for (const key of Object.keys(a)) if (!Object.hasOwn(b, key)) define(patch, key, null);
    for (const key of Object.keys(b)) {
      const [x, y] = [Object.hasOwn(a, key) ? a[key] : undefined, b[key]];
      if (isObject(x) && isObject(y)) define(patch, key, diff(x, y));
      else if (!equal(x, y)) define(patch, key, y);
    }
    return patch;
  };
  const { tree } = fc.letrec<{ tree: JsonObject; value: Json }>(tie => ({
    tree: fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__', 'x.y'), tie('value'), {
      maxKeys: 4,
      depthIdentifier: 'tree',
    }) as fc.Arbitrary<JsonObject>,
    value: fc.oneof(
      { depthIdentifier: 'tree', maxDepth: 3 },
      fc.integer(),
      fc.string(),
      fc.boolean(),
      tie('tree'),
      fc.array(fc.integer(), { maxLength: 2 }),
    ) as fc.Arbitrary<Json>,
  }));

  it('undoes a difference, and leaves its input alone', () => {
    fc.assert(
      fc.property(tree, tree, (a, b) => {
        const before = JSON.stringify(a);
        expect(patched('merge', a, diff(a, b))).toEqual(JSON.parse(JSON.stringify(b)));
        expect(JSON.stringify(a)).toBe(before);
      }),
    );
  });
});

const ports = (...list: JsonObject[]): JsonObject => ({ spec: { ports: list } });

describe('strategic merge patch', () => {
  const table: [string, JsonObject, JsonObject, Json][] = [
    [
      'merges lists by key, new items first',
      ports({ port: 80, name: 'a' }),
      ports({ port: 81, name: 'b' }),
      ports({ port: 81, name: 'b' }, { port: 80, name: 'a' }),
    ],
    [
      'changes an item in place',
      ports({ port: 80, name: 'a' }, { port: 81 }),
      ports({ port: 80, targetPort: 8080 }),
      ports({ port: 80, name: 'a', targetPort: 8080 }, { port: 81 }),
    ],
    ['deletes an item', ports({ port: 80 }, { port: 81 }), ports({ port: 81, $patch: 'delete' }), ports({ port: 80 })],
    ['replaces a list', ports({ port: 80 }), { spec: { ports: [{ $patch: 'replace' }, { port: 1 }] } }, ports({ port: 1 })],
    [
      'orders a list',
      ports({ port: 80 }, { port: 81 }, { port: 82 }),
      { spec: { '$setElementOrder/ports': [{ port: 82 }, { port: 80 }], ports: [{ port: 80, name: 'x' }] } },
      ports({ port: 81 }, { port: 82 }, { port: 80, name: 'x' }),
    ],
    [
      'replaces a map',
      { spec: { selector: { a: '1', b: '2' } } },
      { spec: { selector: { $patch: 'replace', c: '3' } } },
      { spec: { selector: { c: '3' } } },
    ],
    ['empties a map', { spec: { selector: { a: '1' } } }, { spec: { selector: { $patch: 'delete' } } }, { spec: { selector: {} } }],
    [
      'deletes from a list of texts and adds to it',
      { metadata: { finalizers: ['a/b', 'c/d'] } },
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a/b'], finalizers: ['e/f'] } },
      { metadata: { finalizers: ['e/f', 'c/d'] } },
    ],
    [
      'replaces an atomic list',
      { status: { loadBalancer: { ingress: [{ ip: '1.1.1.1' }] } } },
      { status: { loadBalancer: { ingress: [{ ip: '2.2.2.2' }] } } },
      { status: { loadBalancer: { ingress: [{ ip: '2.2.2.2' }] } } },
    ],
    ['drops nulls of new members', {}, { spec: { type: null, clusterIP: 'None' } }, { spec: { clusterIP: 'None' } }],
    ['needs the merge key', ports({ port: 80 }), ports({ name: 'x' }), '500 map: map[name:x] does not contain declared merge key: port'],
    ['knows its directives', { spec: {} }, { spec: { $patch: 'forget' } }, '500 unknown patch type found: forget'],
  ];
  it.each(table)('%s', (_, current, patch, expected) => {
    expect(patched('strategic', current, patch)).toEqual(expected);
  });

  it('keeps only what $retainKeys names', () => {
    const current = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
    expect(patched('strategic', current, patch, deployment)).toEqual({ spec: { strategy: { type: 'Recreate' } } });
    expect(patched('strategic', current, { spec: { strategy: { $retainKeys: ['type'], type: 'x', other: 1 } } }, deployment)).toBe(
      '400 invalid patch format of retainKeys',
    );
  });

  it('is idempotent', () => {
    const port = fc.record({ port: fc.integer({ min: 1, max: 5 }), name: fc.constantFrom('a', 'b') });
    const list = fc.uniqueArray(port, { selector: p => p.port, maxLength: 4 });
    fc.assert(
      fc.property(list, list, (current, patch) => {
        const once = patched('strategic', ports(...current), ports(...patch)) as JsonObject;
        expect(patched('strategic', once, ports(...patch))).toEqual(once);
      }),
    );
  });
});
