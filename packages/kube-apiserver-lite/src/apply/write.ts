import { zeroObject } from '../schema/decode.ts';
import { isObject, type JsonObject } from '../schema/json.ts';
import type { SchemaNode } from '../schema/node.ts';
import { type Comparison, changes, compare } from './compare.ts';
import { difference, type FieldSet, intersection, isEmpty, setOf } from './field-set.ts';
import type { Managed } from './managed.ts';

/** Who writes, to which endpoint, when. */
export interface FieldWrite {
  readonly schema: SchemaNode;
  readonly manager: string;
  /** groupVersion of the request, e.g. `apps/v1`. */
  readonly apiVersion: string;
  /** The kind of the endpoint; without it the live object's counts. */
  readonly kind?: string;
  /** `''` for the main resource. */
  readonly subresource: string;
  /** RFC 3339, seconds, `Z`. */
  readonly now: string;
  /** What this endpoint resets and therefore never owns: `[['status']]` on the main resource, `[['spec']]` on /status. */
  readonly resetFields?: readonly (readonly string[])[];
}

/** Nobody owns what identifies an object. */
export const identity = setOf(
  [
    ['apiVersion'],
    ['kind'],
    ['metadata'],
    ...['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion'].map(
      f => ['metadata', f],
    ),
  ].map(path => path.map(p => `f:${p}`)),
);

export const ignoredBy = (write: FieldWrite): FieldSet => setOf((write.resetFields ?? []).map(path => path.map(p => `f:${p}`)));

/** The object without managedFields and resourceVersion, which are not compared. */
export function bare(object: JsonObject): JsonObject {
  if (!isObject(object.metadata)) return object;
  const { managedFields: _, resourceVersion: _rv, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** What a kind looks like before it exists: Go's zero value for built-in kinds, nothing for custom resources. */
export function nothing(object: JsonObject, schema: SchemaNode): JsonObject {
  const blank = (schema.goType ?? '') === '' ? {} : zeroObject(schema);
  return { ...blank, apiVersion: object.apiVersion, kind: object.kind, metadata: {} };
}

export interface Takeover {
  readonly comparison: Comparison;
  /** By entry id: the fields of others that this write changes. */
  readonly conflicts: ReadonlyMap<string, FieldSet>;
}

/** Compares, and finds whose fields the write changes. */
export function contest(before: JsonObject, after: JsonObject, managed: Managed, self: string, write: FieldWrite): Takeover {
  const comparison = compare(bare(before), bare(after), write.schema, ignoredBy(write));
  const changed = changes(comparison);
  const conflicts = new Map<string, FieldSet>();
  for (const [id, entry] of managed) {
    if (id === self) continue;
    const both = intersection(entry.fields, changed);
    if (!isEmpty(both)) conflicts.set(id, both);
  }
  return { comparison, conflicts };
}

/** Takes the fields from whoever had them: what was changed, and what is no longer there. */
export function takeOver(managed: Managed, self: string, { comparison, conflicts }: Takeover): void {
  for (const [id, entry] of managed) {
    if (id === self) continue;
    const taken = conflicts.get(id);
    let fields = taken ? difference(entry.fields, taken) : entry.fields;
    fields = difference(fields, comparison.removed);
    if (isEmpty(fields)) managed.delete(id);
    else if (fields !== entry.fields) managed.set(id, { ...entry, fields });
  }
}
