import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { schemaOf } from './define.ts';
import { kinds } from './kinds/index.ts';
import type { StructuralSchema } from './structural.ts';

const wrap = (field: z.ZodType) => z.object({ field }).describe('A test.');

describe('structural schemas', () => {
  it.each<[string, z.ZodType, string]>([
    ['a union', z.union([z.string(), z.int()]).describe('x'), 'type undefined is not allowed'],
    ['anything', z.unknown().describe('x'), 'type undefined is not allowed'],
    ['a strict object', z.strictObject({ a: z.boolean().describe('a') }).describe('x'), 'either properties or additionalProperties'],
    ['an unbounded string', z.string().describe('x'), 'maxLength'],
    ['an unbounded list', z.array(z.boolean()).describe('x'), 'maxItems'],
    ['an unbounded map', z.record(z.string(), z.boolean()).describe('x'), 'maxProperties'],
    ['a field without documentation', z.boolean(), 'has no description'],
    ['a fraction', z.number().min(0).max(1).describe('x'), 'number is not used'],
    [
      'a map list without its key',
      z
        .array(z.object({ a: z.boolean().describe('a') }))
        .max(2)
        .meta({ description: 'x', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['b'] }),
      'not a property',
    ],
    [
      'a map list with an optional key',
      z
        .array(z.object({ a: z.boolean().describe('a').optional() }))
        .max(2)
        .meta({ description: 'x', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['a'] }),
      'neither required nor defaulted',
    ],
    [
      'map keys without the list type',
      z
        .array(z.boolean())
        .max(2)
        .meta({ description: 'x', 'x-kubernetes-list-map-keys': ['a'] }),
      'go together',
    ],
  ])('refuses %s', (_, field, part) => {
    expect(() => schemaOf(wrap(field), 'Test.spec')).toThrow(part);
    expect(() => schemaOf(wrap(field), 'Test.spec')).toThrow('Test.spec');
  });

  it('keeps defaults, bounds and CEL rules, and gives integers a format', () => {
    const field = z
      .int()
      .min(0)
      .max(4_294_967_295)
      .default(5)
      .meta({ description: 'x', 'x-kubernetes-validations': [{ rule: 'self > 0', message: 'm' }] });
    expect(schemaOf(wrap(field), 'Test.spec').properties?.['field']).toEqual({
      type: 'integer',
      description: 'x',
      minimum: 0,
      maximum: 4_294_967_295,
      default: 5,
      format: 'int64',
      'x-kubernetes-validations': [{ rule: 'self > 0', message: 'm' }],
    });
  });
});

/** Every schema in a schema with its path and the greatest number of times it can occur in an object. */
function* walk(
  schema: StructuralSchema,
  path: string,
  times: number,
): Generator<{ schema: StructuralSchema; path: string; times: number }> {
  yield { schema, path, times };
  for (const [name, field] of Object.entries(schema.properties ?? {})) yield* walk(field, `${path}.${name}`, times);
  if (schema.items !== undefined) yield* walk(schema.items, `${path}[]`, times * (schema.maxItems ?? Number.POSITIVE_INFINITY));
  if (schema.additionalProperties !== undefined)
    yield* walk(schema.additionalProperties, `${path}{}`, times * (schema.maxProperties ?? Number.POSITIVE_INFINITY));
}

describe.each(kinds.map(kind => ({ kind, name: kind.kind })))('$name', ({ kind }) => {
  const all = [
    ...(kind.spec === undefined ? [] : walk(schemaOf(kind.spec, 'spec'), 'spec', 1)),
    ...walk(schemaOf(kind.status, 'status'), 'status', 1),
  ];

  it('has CEL rules that the API server can afford: each is evaluated at most 5000 times', () => {
    for (const { schema, path, times } of all)
      if (schema['x-kubernetes-validations'] !== undefined) expect(times, path).toBeLessThanOrEqual(5000);
  });

  it('has columns that point at fields', () => {
    const paths = new Set(all.map(({ path }) => `.${path}`));
    for (const { jsonPath } of kind.columns) {
      if (jsonPath.startsWith('.metadata')) continue;
      const plain = jsonPath.replaceAll(/\[[^\]]*\]/g, '[]');
      expect([...paths], jsonPath).toContain(plain);
    }
  });

  it('has a documentation text that ends like a sentence for every field', () => {
    for (const { schema, path } of all) expect(schema.description, path).toMatch(/[.]$/);
  });
});
