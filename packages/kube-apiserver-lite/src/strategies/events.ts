import type { ApiObject, Json } from '../object.ts';

/** core/v1 and events.k8s.io/v1 are two spellings of one stored object, which is kept as core/v1. */

/** Field of core/v1 → field of events.k8s.io/v1, where they differ. */
const RENAMED: readonly (readonly [string, string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];
/** What each spelling writes even when it is empty. */
const CORE_ALWAYS: Readonly<Record<string, Json>> = {
  involvedObject: {},
  source: {},
  firstTimestamp: null,
  lastTimestamp: null,
  eventTime: null,
  reportingComponent: '',
  reportingInstance: '',
};
const NEW_ALWAYS: Readonly<Record<string, Json>> = {
  regarding: {},
  deprecatedSource: {},
  deprecatedFirstTimestamp: null,
  deprecatedLastTimestamp: null,
  eventTime: null,
};
const NEW_OPTIONAL = ['reportingController', 'reportingInstance', 'note', 'deprecatedCount'];

const toNew = new Map(RENAMED);
const toCore = new Map(RENAMED.map(([core, renamed]) => [renamed, core] as const));

function renamed(
  event: ApiObject,
  names: ReadonlyMap<string, string>,
  always: Readonly<Record<string, Json>>,
  apiVersion: string,
): ApiObject {
  const entries = Object.entries(event).map(([field, value]) => [names.get(field) ?? field, value] as const);
  return { ...always, ...Object.fromEntries(entries), apiVersion, kind: 'Event', metadata: event.metadata };
}

/** An Event as events.k8s.io/v1. */
export function newEvent(event: ApiObject): ApiObject {
  const next = renamed(event, toNew, NEW_ALWAYS, 'events.k8s.io/v1');
  for (const field of NEW_OPTIONAL) if (next[field] === '' || next[field] === 0) delete next[field];
  return next;
}

/** An Event as core/v1. */
export const coreEvent = (event: ApiObject): ApiObject => renamed(event, toCore, CORE_ALWAYS, 'v1');
