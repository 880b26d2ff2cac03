import { decodeInto } from '../schema/decode.ts';
import { clone, equal, isObject, type Json, type JsonObject, show } from '../schema/json.ts';
import { checkTyped } from './check.ts';
import { changes, compare, fieldSet } from './compare.ts';
import { difference, emptySet, type FieldSet, intersection, paths, pathText, recursiveDifference, union } from './field-set.ts';
import { entryId, type Managed, type ManagedEntry, readManaged, withManaged } from './managed.ts';
import { mergeTyped, pruneUnowned } from './merge.ts';
import { TypedError } from './typed.ts';
import { update } from './update.ts';
import { bare, contest, type FieldWrite, identity, ignoredBy, nothing, takeOver } from './write.ts';

export type ApplyResult =
  | {
      readonly ok: true;
      readonly object: JsonObject /** false: nothing but managedFields could differ from the live object. */;
      readonly changed: boolean;
    }
  | {
      readonly ok: false;
      readonly code: number;
      readonly reason: string;
      readonly message: string;
      readonly causes: readonly { reason: 'FieldManagerConflict'; message: string; field: string }[];
    };

const lastAppliedKey = 'kubectl.kubernetes.io/last-applied-configuration';
const refuse = (code: number, reason: string, message: string): ApplyResult => ({ ok: false, code, reason, message, causes: [] });

/**
 * Server-side apply of `applied` onto `live` (undefined = create). Neither is mutated; managedFields are in the result.
 * Defaults, validation and admission come after it, on the result.
 */
export function serverSideApply(
  live: JsonObject | undefined,
  applied: JsonObject,
  write: FieldWrite & { readonly force: boolean },
): ApplyResult {
  const kind = write.kind ?? (live ? show(live.kind) : goKind(write.schema.goType)) ?? show(applied.kind);
  if (applied.apiVersion !== write.apiVersion || show(applied.kind) !== kind)
    return refuse(400, 'BadRequest', `invalid object type: ${gvkText(applied)}`);
  const meta = isObject(applied.metadata) ? applied.metadata : {};
  if (meta.managedFields !== undefined && meta.managedFields !== null)
    return refuse(400, 'BadRequest', 'metadata.managedFields must be nil');
  const errors = checkTyped(applied, write.schema);
  if (errors.length > 0) {
    const text = errors.length === 1 ? errors[0] : ['errors:', ...errors.map(e => `  ${e}`)].join('\n');
    return refuse(500, '', `failed to create typed patch object (${describe(applied)}): ${text}`);
  }
  try {
    return apply(live, applied, write);
  } catch (error) {
    if (error instanceof TypedError)
      return refuse(500, '', `failed to create typed live object (${describe(live ?? applied)}): ${error.message}`);
    throw error;
  }
}

function describe(object: JsonObject): string {
  const meta = isObject(object.metadata) ? object.metadata : {};
  return `${show(meta.namespace)}/${show(meta.name)}; ${gvkText(object)}`;
}

/** `apps/v1, Kind=Deployment`, `/v1, Kind=Service`. */
function gvkText(object: JsonObject): string {
  const [version = '', group = ''] = show(object.apiVersion).split('/').toReversed();
  return `${group}/${version}, Kind=${show(object.kind)}`;
}

/** The kind in a Go type's name: `v1.Service`. */
const goKind = (goType: string | undefined): string | undefined => (goType ? goType.slice(goType.indexOf('.') + 1) : undefined);

function apply(live: JsonObject | undefined, applied: JsonObject, write: FieldWrite & { readonly force: boolean }): ApplyResult {
  const before = live ?? nothing(applied, write.schema);
  const managed = currentManagers(live, before, write);
  const shell = { manager: write.manager, operation: 'Apply' as const, apiVersion: write.apiVersion, subresource: write.subresource };
  const id = entryId(shell);
  const last = managed.get(id);
  const config = bare(applied);
  const own = difference(recursiveDifference(fieldSet(config, write.schema), ignoredBy(write)), identity);
  managed.set(id, { ...shell, fields: own, time: last?.time });
  const start = bare(before);
  const merged = mergeTyped(start, config, write.schema) as JsonObject;
  const owned = [...managed.values()].reduce((set, e) => union(set, e.fields), union(identity, fieldSet(config, write.schema)));
  const after = pruneUnowned(merged, last?.fields ?? emptySet, owned, write.schema);
  const takeover = contest(start, after, managed, id, write);
  if (takeover.conflicts.size > 0 && !write.force) {
    const rest = withoutLastApplied(takeover.conflicts, live, write);
    if (rest.size > 0) return conflict(rest, managed);
  }
  takeOver(managed, id, takeover);
  if (own.children.size === 0) managed.delete(id);
  // Nothing new: the live object stays, and so does the time of the last real change.
  if (live && equal(start, after)) return { ok: true, object: withManaged(clone(live), managed), changed: false };
  const entry = managed.get(id);
  if (entry) managed.set(id, { ...entry, time: write.now });
  const object = restore(after, live, write);
  return { ok: true, object: withManaged(object, managed), changed: live === undefined || !equal(start, bare(object)) };
}

/** The merged object as it will be decoded: structs filled in for built-in kinds, the stored version kept. */
function restore(after: JsonObject, live: JsonObject | undefined, write: FieldWrite): JsonObject {
  const object = clone(after);
  if ((write.schema.goType ?? '') !== '') decodeInto(object, write.schema);
  const version = isObject(live?.metadata) ? live.metadata.resourceVersion : undefined;
  return version === undefined ? object : { ...object, metadata: { ...(object.metadata as JsonObject), resourceVersion: version } };
}

/** An object that nobody was recorded for belongs to `before-first-apply` before its first apply. */
function currentManagers(live: JsonObject | undefined, before: JsonObject, write: FieldWrite): Managed {
  const managed = readManaged(isObject(live?.metadata) ? live.metadata.managedFields : undefined) ?? new Map<string, ManagedEntry>();
  if (!live || managed.size > 0) return managed;
  return update(nothing(before, write.schema), before, managed, { ...write, manager: 'before-first-apply', subresource: '' });
}

/**
 * kubectl moving from client-side to server-side apply: what its annotation says it applied, and what is still so,
 * is no conflict.
 */
function withoutLastApplied(
  conflicts: ReadonlyMap<string, FieldSet>,
  live: JsonObject | undefined,
  write: FieldWrite,
): ReadonlyMap<string, FieldSet> {
  const annotations = isObject(live?.metadata) && isObject(live.metadata.annotations) ? live.metadata.annotations : {};
  const text = annotations[lastAppliedKey];
  if (write.manager !== 'kubectl' || typeof text !== 'string' || !live) return conflicts;
  let lastApplied: Json;
  try {
    lastApplied = JSON.parse(text) as Json;
  } catch {
    return conflicts;
  }
  if (!isObject(lastApplied)) return conflicts;
  const set = fieldSet(bare(lastApplied), write.schema);
  const differs = compare(bare(lastApplied), bare(live), write.schema, emptySet);
  const allowed = difference(set, union(changes(differs), differs.removed));
  const rest = new Map<string, FieldSet>();
  for (const [id, fields] of conflicts) {
    const left = difference(fields, intersection(fields, allowed));
    if (paths(left).length > 0) rest.set(id, left);
  }
  return rest;
}

function managerText({ manager, subresource, operation, apiVersion }: ManagedEntry): string {
  return `${JSON.stringify(manager)}${subresource ? ` with subresource ${JSON.stringify(subresource)}` : ''}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
}

function conflict(conflicts: ReadonlyMap<string, FieldSet>, managed: Managed): ApplyResult {
  const found = [...conflicts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, fields]) => {
      const entry = managed.get(id);
      return entry ? [{ who: managerText(entry), fields: paths(fields).map(pathText) }] : [];
    });
  const count = found.reduce((n, f) => n + f.fields.length, 0);
  const message =
    count === 1
      ? `Apply failed with 1 conflict: conflict with ${found[0]?.who}: ${found[0]?.fields[0]}`
      : `Apply failed with ${count} conflicts: ${found.flatMap(f => [`conflicts with ${f.who}:`, ...f.fields.map(p => `- ${p}`)]).join('\n')}`;
  const causes = found.flatMap(f =>
    f.fields.map(field => ({ reason: 'FieldManagerConflict' as const, message: `conflict with ${f.who}`, field })),
  );
  return { ok: false, code: 409, reason: 'Conflict', message, causes };
}
