import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serverSideApply, trackUpdate } from '../apply/index.ts';
import { applyPatch } from '../patch/index.ts';
import { builtinTable } from '../table/index.ts';
import { builtinDocument } from './builtin.ts';
import {
  applyDefaults,
  builtinSchema,
  clone,
  decodeBuiltin,
  isObject,
  type Json,
  type JsonObject,
  validateBuiltin,
  validateCrd,
} from './index.ts';
import type { SchemaNode } from './node.ts';

/** Values that nearly fit a schema: mostly right, with members missing, nulls and other types strewn in. */
function nearly(node: SchemaNode, depth = 0): fc.Arbitrary<Json> {
  const odd = fc.constantFrom<Json>(null, 0, -1, 1.5, '', 'x', true, [], {}, [null], [[1]], { $patch: 'delete' });
  const or = (right: fc.Arbitrary<Json>) => fc.oneof({ weight: 30, arbitrary: right }, { weight: 1, arbitrary: odd });
  if (depth > 5) return odd;
  switch (node.type) {
    case 'array':
      return or(node.items ? fc.array(nearly(node.items, depth + 1), { maxLength: 2 }) : fc.constant<Json>([]));
    case 'object': {
      if (node.additional)
        return or(
          fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), nearly(node.additional, depth + 1), { maxKeys: 2 }) as fc.Arbitrary<Json>,
        );
      const names = [...node.properties.keys()].slice(0, 24);
      return or(
        fc
          .subarray(names, { maxLength: Math.min(5, names.length) })
          .chain(
            chosen =>
              fc.record(
                Object.fromEntries(
                  chosen.map(name => [name, fc.constant(undefined).chain(() => nearly(node.properties.get(name) ?? node, depth + 1))]),
                ),
              ) as fc.Arbitrary<Json>,
          ),
      );
    }
    case 'integer':
    case 'number':
      return or(fc.integer({ min: -2, max: 70_000 }));
    case 'boolean':
      return or(fc.boolean());
    default:
      return or(fc.constantFrom('', 'a', 'A', '10.0.0.1', '1Gi', '2026-01-01T00:00:00Z', 'TCP'));
  }
}

describe('objects that nearly fit', () => {
  const kinds = builtinDocument().resources.filter(r =>
    ['Service', 'Pod', 'Deployment', 'Node', 'EndpointSlice', 'Ingress', 'Job', 'Secret', 'CustomResourceDefinition'].includes(r.kind),
  );
  it.each(kinds.map(k => [k.kind, k] as const))('%s: every step ends in an answer', (_, kind) => {
    const schema = builtinSchema(kind);
    if (!schema) throw new Error(`no schema of ${kind.kind}`);
    const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
    const write = { schema, manager: 'm', apiVersion, subresource: '', now: '2026-01-01T00:00:00Z' };
    fc.assert(
      fc.property(nearly(schema), nearly(schema), (value, patch) => {
        if (!isObject(value)) return;
        const object: JsonObject = { ...value, apiVersion, kind: kind.kind };
        serverSideApply(undefined, clone(object), { ...write, force: false });
        if (decodeBuiltin(object, kind).error !== undefined) return;
        applyDefaults(object, schema);
        validateBuiltin(object, kind);
        if (kind.kind === 'CustomResourceDefinition') validateCrd(object);
        const stored = trackUpdate(undefined, object, write);
        builtinTable(kind).cells(stored, new Date(0));
        const patched = applyPatch('strategic', stored, patch, schema);
        expect(patched.ok || patched.code >= 400).toBe(true);
        serverSideApply(stored, clone(object), { ...write, force: true });
        // Decoding again changes nothing: what was written is what is read.
        const again = clone(object);
        expect(decodeBuiltin(again, kind)).toEqual({ unknown: [] });
        expect(again).toEqual(object);
      }),
      { numRuns: 40 },
    );
  });
});
