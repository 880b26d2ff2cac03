import { badRequest, type Cause, forbidden, invalidObject, notSupported, quoteValue, required } from '../errors.ts';
import type { Json } from '../object.ts';
import type { DeleteOptions } from '../operations/remove.ts';

/** The options of requests, read from the query (`metav1.CreateOptions`, `PatchOptions`, `ListOptions`, …) and checked. */

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface WriteOptions {
  dryRun: boolean;
  fieldManager: string;
  fieldValidation: FieldValidation;
  force: boolean;
}

type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions' | 'ListOptions';

const refuse = (kind: OptionsKind, causes: readonly Cause[]): void => {
  if (causes.length > 0) throw invalidObject({ group: 'meta.k8s.io', kind }, '', causes);
};

const MAX_MANAGER_LENGTH = 128;

/** `kind`: how errors name the options. `apply`: a field manager is required, and `force` allowed. */
export function writeOptions(kind: OptionsKind, query: URLSearchParams, agent: string, apply = false): WriteOptions {
  const causes: Cause[] = [];
  const dryRun = query.getAll('dryRun').filter(value => value !== '');
  const manager = query.get('fieldManager') ?? '';
  const validation = query.get('fieldValidation') ?? '';
  const force = booleanOf(query.get('force'));
  if (apply && manager === '') causes.push(required('fieldManager', 'is required for apply patch'));
  if (kind === 'PatchOptions' && !apply && force !== undefined) causes.push(forbidden('force', 'may not be specified for non-apply patch'));
  if (manager.length > MAX_MANAGER_LENGTH) {
    causes.push({
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${MAX_MANAGER_LENGTH} bytes`,
      field: 'fieldManager',
    });
  }
  if (dryRun.some(value => value !== 'All')) causes.push(notSupported('dryRun', dryRun, ['All']));
  if (!['', 'Ignore', 'Warn', 'Strict'].includes(validation)) {
    causes.push(notSupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']));
  }
  refuse(kind, causes);
  return {
    dryRun: dryRun.length > 0,
    fieldManager: manager === '' ? agent : manager,
    fieldValidation: validation === '' ? 'Warn' : (validation as FieldValidation),
    force: force === true,
  };
}

/** Go's conversion of a query value to bool: anything but false and 0 is true. */
function booleanOf(value: string | null): boolean | undefined {
  if (value === null) return undefined;
  return value !== 'false' && value !== '0';
}

export interface ListOptions {
  watch: boolean;
  labelSelector: string;
  fieldSelector: string;
  resourceVersion: string;
  resourceVersionMatch: '' | 'Exact' | 'NotOlderThan';
  limit: number;
  continue: string;
  timeoutSeconds: number | undefined;
  allowWatchBookmarks: boolean;
  sendInitialEvents: boolean | undefined;
}

export function listOptions(query: URLSearchParams, watch: boolean): ListOptions {
  const sendInitialEvents = booleanOf(query.get('sendInitialEvents'));
  const match = query.get('resourceVersionMatch') ?? '';
  const resourceVersion = query.get('resourceVersion') ?? '';
  const limit = integer(query, 'limit') ?? 0;
  const timeoutSeconds = integer(query, 'timeoutSeconds');
  refuse('ListOptions', listCauses(watch, match, resourceVersion, sendInitialEvents, query.get('continue') ?? ''));
  return {
    watch,
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    resourceVersion,
    resourceVersionMatch: match as ListOptions['resourceVersionMatch'],
    limit: Math.max(0, limit),
    continue: query.get('continue') ?? '',
    timeoutSeconds,
    allowWatchBookmarks: booleanOf(query.get('allowWatchBookmarks')) === true,
    sendInitialEvents,
  };
}

const FIELD = 'resourceVersionMatch';

/** `metainternalversion/validation.ValidateListOptions`. */
function listCauses(watch: boolean, match: string, version: string, initial: boolean | undefined, token: string): Cause[] {
  if (watch) {
    const causes: Cause[] = [];
    if (initial !== undefined && match !== 'NotOlderThan') {
      causes.push(forbidden(FIELD, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
    }
    if (match !== '') {
      if (match !== 'NotOlderThan') {
        causes.push(notSupported(FIELD, match, ['NotOlderThan']));
      }
      if (initial === undefined) {
        causes.push(forbidden(FIELD, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
      }
    }
    return causes;
  }
  if (initial !== undefined) return [forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list')];
  if (match === '') return [];
  const causes: Cause[] = [];
  if (version === '') causes.push(forbidden(FIELD, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
  if (token !== '') causes.push(forbidden(FIELD, 'resourceVersionMatch is forbidden when continue is provided'));
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    causes.push(notSupported(FIELD, match, ['Exact', 'NotOlderThan', '']));
  }
  if (match === 'Exact' && version === '0') {
    causes.push(forbidden(FIELD, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  return causes;
}

/** A whole number of the query; 400 for anything else, as Go's strconv words it. */
function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^[+-]?\d{1,18}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** Options of a deletion: the body's win over the query's. */
export function deleteOptions(query: URLSearchParams, body: Readonly<Record<string, Json | undefined>>): DeleteOptions {
  const fromBody = Object.keys(body).length > 0;
  const dryRun = fromBody ? strings(body['dryRun']) : query.getAll('dryRun').filter(value => value !== '');
  const policy = fromBody ? body['propagationPolicy'] : (query.get('propagationPolicy') ?? undefined);
  const orphan = fromBody ? body['orphanDependents'] : (booleanOf(query.get('orphanDependents')) ?? undefined);
  const grace = fromBody ? body['gracePeriodSeconds'] : integer(query, 'gracePeriodSeconds');
  const causes: Cause[] = [];
  if (orphan !== undefined && orphan !== null && policy !== undefined && policy !== null) {
    causes.push({
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${quoteValue(policy)}: orphanDependents and deletionPropagation cannot be both set`,
      field: 'propagationPolicy',
    });
  }
  if (policy !== undefined && policy !== null && policy !== 'Background' && policy !== 'Foreground' && policy !== 'Orphan') {
    causes.push(notSupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']));
  }
  if (dryRun.some(value => value !== 'All')) causes.push(notSupported('dryRun', dryRun, ['All']));
  refuse('DeleteOptions', causes);
  const preconditions = body['preconditions'];
  const conditions = preconditions !== null && typeof preconditions === 'object' && !Array.isArray(preconditions) ? preconditions : {};
  const chosen =
    policy === 'Background' || policy === 'Foreground' || policy === 'Orphan' ? policy : orphan === true ? 'Orphan' : undefined;
  return {
    dryRun: dryRun.length > 0,
    ...(typeof grace === 'number' ? { gracePeriodSeconds: grace } : {}),
    ...(chosen === undefined ? {} : { propagationPolicy: chosen }),
    ...(typeof conditions['uid'] === 'string' ? { uid: conditions['uid'] } : {}),
    ...(typeof conditions['resourceVersion'] === 'string' ? { resourceVersion: conditions['resourceVersion'] } : {}),
  };
}

const strings = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter(item => typeof item === 'string') : typeof value === 'string' ? [value] : [];
