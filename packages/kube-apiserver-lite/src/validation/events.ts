import { type Cause, invalid, required } from '../errors.ts';
import { dns1123Subdomain, qualifiedName } from '../names.ts';
import type { ApiObject, Json } from '../object.ts';
import { isObject } from '../schema/json.ts';
import { metadataCauses, subdomainNames } from './metadata.ts';

/** Events of either spelling (`pkg/apis/core/validation/events.go`); field names are those of core/v1, as in the real answers. */

const MAX_FIELD = 128;
const MAX_NOTE = 1024;
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const each = (field: string, value: unknown, wrong: readonly string[]): Cause[] => wrong.map(why => invalid(field, value, why));

/** The two spellings of one field. */
function read(event: ApiObject, isNew: boolean) {
  const source = event[isNew ? 'deprecatedSource' : 'source'];
  const about = event[isNew ? 'regarding' : 'involvedObject'];
  return {
    about: isObject(about) ? text(about['namespace']) : '',
    controller: text(event[isNew ? 'reportingController' : 'reportingComponent']),
    message: text(event[isNew ? 'note' : 'message']),
    first: event[isNew ? 'deprecatedFirstTimestamp' : 'firstTimestamp'] ?? null,
    last: event[isNew ? 'deprecatedLastTimestamp' : 'lastTimestamp'] ?? null,
    count: event[isNew ? 'deprecatedCount' : 'count'] ?? 0,
    source: isObject(source) && (text(source['component']) !== '' || text(source['host']) !== ''),
  };
}

export function eventCauses(event: ApiObject, old: ApiObject | undefined): Cause[] {
  const isNew = event.apiVersion === 'events.k8s.io/v1';
  const causes = legacyCauses(event, isNew);
  if (!isNew || old !== undefined) return causes;
  const { first, last, count, source } = read(event, isNew);
  causes.push(...metadataCauses(event.metadata, { name: subdomainNames, namespaced: true, strictFinalizers: true }));
  if ((event['eventTime'] ?? null) === null) causes.push(required('eventTime'));
  const type = text(event['type']);
  if (type !== 'Normal' && type !== 'Warning') causes.push(invalid('type', '', `has invalid value: ${type}`));
  if (first !== null) causes.push(unset('firstTimestamp'));
  if (last !== null) causes.push(unset('lastTimestamp'));
  if (count !== 0) causes.push(unset('count'));
  if (source) causes.push(unset('source'));
  return causes;
}

const unset = (field: string): Cause => invalid(field, '', 'needs to be unset');

function legacyCauses(event: ApiObject, isNew: boolean): Cause[] {
  const { about, controller, message } = read(event, isNew);
  const namespace = event.metadata.namespace ?? '';
  const mismatch = invalid('involvedObject.namespace', about, 'does not match event.namespace');
  const causes: Cause[] = [];
  if ((event['eventTime'] ?? null) === null) {
    if (about === '' ? namespace !== '' && namespace !== 'default' : about !== namespace) causes.push(mismatch);
  } else {
    if (about === '' && namespace !== 'default' && namespace !== 'kube-system') causes.push(mismatch);
    const field = isNew ? 'reportingController' : 'reportingComponent';
    if (controller === '') causes.push(required(field));
    causes.push(...each(field, controller, qualifiedName(controller)));
    causes.push(...limited('reportingInstance', text(event['reportingInstance'])));
    causes.push(...limited('action', text(event['action'])));
    causes.push(...limited('reason', text(event['reason'])));
    if (Buffer.byteLength(message) > MAX_NOTE) causes.push(invalid('message', '', `can have at most ${MAX_NOTE} characters`));
  }
  return [...causes, ...each('namespace', namespace, dns1123Subdomain(namespace))];
}

function limited(field: string, value: string): Cause[] {
  if (value === '') return [required(field)];
  return Buffer.byteLength(value) > MAX_FIELD ? [invalid(field, '', `can have at most ${MAX_FIELD} characters`)] : [];
}
