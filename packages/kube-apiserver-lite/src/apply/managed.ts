import { isObject, type Json, type JsonObject, show } from '../schema/json.ts';
import { type FieldSet, fromFieldsV1, isEmpty, toFieldsV1 } from './field-set.ts';

/** One entry of metadata.managedFields. */
export interface ManagedEntry {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time?: string | undefined;
  readonly fields: FieldSet;
}
/** Entries by identity. An Apply entry is the same whatever version it was applied in. */
export type Managed = Map<string, ManagedEntry>;

export const entryId = (e: Omit<ManagedEntry, 'fields' | 'time'>): string =>
  JSON.stringify([e.manager, e.operation, e.subresource, e.operation === 'Apply' ? '' : e.apiVersion]);

/** Reads managedFields; undefined when an entry cannot be read. */
export function readManaged(list: Json | undefined): Managed | undefined {
  const managed: Managed = new Map();
  if (!Array.isArray(list)) return managed;
  for (const e of list) {
    if (!isObject(e) || !isObject(e.fieldsV1)) return undefined;
    const fields = fromFieldsV1(e.fieldsV1);
    if (!fields || (e.operation !== 'Apply' && e.operation !== 'Update')) return undefined;
    const entry: ManagedEntry = {
      manager: show(e.manager),
      operation: e.operation,
      apiVersion: show(e.apiVersion),
      subresource: show(e.subresource),
      time: typeof e.time === 'string' ? e.time : undefined,
      fields,
    };
    managed.set(entryId(entry), entry);
  }
  return managed;
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** managedFields in the API server's order: applied before updated, then by time, manager, version, subresource. */
export function writeManaged(managed: Managed): JsonObject[] | undefined {
  const entries = [...managed.values()].filter(e => !isEmpty(e.fields));
  if (entries.length === 0) return undefined;
  entries.sort(
    (a, b) =>
      order(a.operation, b.operation) ||
      order(a.time ?? '', b.time ?? '') ||
      order(a.manager, b.manager) ||
      order(a.apiVersion, b.apiVersion) ||
      order(a.subresource, b.subresource),
  );
  return entries.map(e => ({
    manager: e.manager,
    operation: e.operation,
    apiVersion: e.apiVersion,
    ...(e.time === undefined ? {} : { time: e.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: toFieldsV1(e.fields),
    ...(e.subresource === '' ? {} : { subresource: e.subresource }),
  }));
}

/** The object with these managedFields. */
export function withManaged(object: JsonObject, managed: Managed): JsonObject {
  const { managedFields: _, ...metadata } = isObject(object.metadata) ? object.metadata : {};
  const list = writeManaged(managed);
  return { ...object, metadata: list ? { ...metadata, managedFields: list } : metadata };
}

const maxUpdaters = 10;
const oldUpdates = 'ancient-changes';

/** At most ten updaters are told apart: the oldest of one version are put together as `ancient-changes`. */
export function capUpdaters(managed: Managed, union: (a: FieldSet, b: FieldSet) => FieldSet): void {
  const updaters = [...managed].filter(([, e]) => e.operation === 'Update');
  let count = updaters.length;
  if (count <= maxUpdaters) return;
  updaters.sort(([idA, a], [idB, b]) => order(a.time ?? '', b.time ?? '') || order(idA, idB));
  const first = new Map<string, string>();
  for (const [id, entry] of updaters) {
    if (count <= maxUpdaters) return;
    const firstId = first.get(entry.apiVersion);
    if (firstId === undefined) {
      first.set(entry.apiVersion, id);
      continue;
    }
    const shell = { manager: oldUpdates, operation: 'Update' as const, apiVersion: entry.apiVersion, subresource: '' };
    const bucketId = entryId(shell);
    let bucket = managed.get(bucketId);
    if (!bucket) {
      const oldest = managed.get(firstId);
      managed.delete(firstId);
      bucket = { ...shell, time: oldest?.time, fields: oldest?.fields ?? entry.fields };
    }
    managed.set(bucketId, { ...bucket, fields: union(bucket.fields, entry.fields), time: entry.time });
    if (id !== bucketId) managed.delete(id);
    count--;
  }
}
