import { equal, isObject, type Json, type JsonObject } from '../schema/json.ts';
import { changes } from './compare.ts';
import { difference, emptySet, isEmpty, union } from './field-set.ts';
import { capUpdaters, entryId, type Managed, readManaged, withManaged } from './managed.ts';
import { TypedError } from './typed.ts';
import { contest, type FieldWrite, identity, nothing, takeOver } from './write.ts';

const listOf = (object: JsonObject | undefined): Json | undefined =>
  isObject(object?.metadata) ? object.metadata.managedFields : undefined;

/** The entries a write starts from: those in the body when it brings some (not on subresources), the stored ones otherwise. */
function startingPoint(live: JsonObject | undefined, object: JsonObject, write: FieldWrite): Managed {
  const stored = () => readManaged(listOf(live)) ?? new Map();
  if (write.subresource !== '') return stored();
  const sent = listOf(object);
  if (Array.isArray(sent) && sent.length === 1 && isObject(sent[0]) && Object.keys(sent[0]).length === 0) return new Map(); // a client asks to forget them
  const managed = readManaged(sent);
  return managed && managed.size > 0 ? managed : stored();
}

/**
 * metadata.managedFields for a create, PUT or patch. `object` is what will be stored, after defaults. Returns a copy.
 * What changed belongs to the writer from now on; what vanished belongs to nobody.
 */
export function trackUpdate(live: JsonObject | undefined, object: JsonObject, write: FieldWrite): JsonObject {
  const managed = startingPoint(live, object, write);
  // An object whose managers were forgotten stays untracked until the next apply.
  if (live && managed.size === 0) return withManaged(object, managed);
  return withManaged(object, update(live ?? nothing(object, write.schema), object, managed, write));
}

/** The entries after an update; a body that apply's schema cannot read leaves them as they were. */
export function update(before: JsonObject, after: JsonObject, managed: Managed, write: FieldWrite): Managed {
  const shell = { manager: write.manager, operation: 'Update' as const, apiVersion: write.apiVersion, subresource: write.subresource };
  const id = entryId(shell);
  const next = new Map(managed);
  try {
    const takeover = contest(before, after, next, '', write);
    const own = next.get(id);
    takeOver(next, '', takeover);
    const taken = difference(changes(takeover.comparison), identity);
    if (!isEmpty(taken)) next.set(id, { ...shell, fields: union(taken, next.get(id)?.fields ?? emptySet), time: write.now });
    else if (own && !next.has(id)) next.delete(id);
  } catch (error) {
    if (error instanceof TypedError) return managed;
    throw error;
  }
  capUpdaters(next, union);
  return next;
}

const timeless = (list: Json | undefined): Json | undefined =>
  Array.isArray(list) ? list.map(e => (isObject(e) ? { ...e, time: undefined } : e)) : undefined;

const stripped = (o: JsonObject): JsonObject => {
  if (!isObject(o.metadata)) return o;
  const { managedFields, resourceVersion: _, ...metadata } = o.metadata;
  return { ...o, metadata: { ...metadata, managedFields: timeless(managedFields) } };
};

/** True when storing `object` over `live` changes nothing (managedFields' times apart): then neither resourceVersion nor times move. */
export function isNoop(live: JsonObject, object: JsonObject): boolean {
  return equal(stripped(live), stripped(object));
}
