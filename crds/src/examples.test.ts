import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { apiVersion, schemaOf } from './define.ts';
import { kinds } from './kinds/index.ts';
import type { RawObject } from './resolve/problem.ts';
import { resolve } from './resolve.ts';
import type { StructuralSchema } from './structural.ts';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.yaml'))
  .toSorted();

const objectsOf = (file: string): RawObject[] =>
  parseAllDocuments(readFileSync(folder + file, 'utf8')).map(document => document.toJS() as RawObject);

/** Paths of fields that the schema does not know: the API server would drop them. */
function unknownFields(value: unknown, schema: StructuralSchema, path: string): string[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => (schema.items === undefined ? [] : unknownFields(item, schema.items, `${path}[${index}]`)));
  if (typeof value !== 'object' || value === null || schema.properties === undefined) return [];
  return Object.entries(value).flatMap(([key, field]) => {
    const known = schema.properties?.[key];
    return known === undefined ? [`${path}.${key}`] : unknownFields(field, known, `${path}.${key}`);
  });
}

const keyOf = ({ kind, metadata }: RawObject): string => `${kind}/${metadata?.name}`;

/** What other examples refer to. */
const context = ['layer2/pool.yaml', 'bgp/one-router.yaml'];

describe.each(files)('examples/%s', file => {
  const objects = objectsOf(file);

  it('holds objects with a kind and a name', () => {
    for (const { apiVersion: group, kind, metadata } of objects)
      expect([typeof group, typeof kind, typeof metadata?.name]).toEqual(['string', 'string', 'string']);
  });

  it('uses only fields that exist', () => {
    for (const object of objects) {
      if (object.apiVersion !== apiVersion) continue;
      const kind = kinds.find(candidate => candidate.kind === object.kind);
      if (kind?.spec === undefined) throw new Error(`${object.kind} is not a kind that users write`);
      expect(object.metadata?.namespace).toBe('herald-system');
      expect(unknownFields(object.spec, schemaOf(kind.spec, 'spec'), 'spec')).toEqual([]);
    }
  });

  it('resolves without any problem', () => {
    // Applying a file changes the objects of the same name.
    const cluster = new Map(context.flatMap(objectsOf).map(object => [keyOf(object), object]));
    for (const object of objects) cluster.set(keyOf(object), object);
    expect(resolve(cluster.values()).problems).toEqual([]);
  });
});
