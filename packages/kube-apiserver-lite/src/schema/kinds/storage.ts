import { type Cause, forbidden, invalid, notSupported, required } from '../../errors.ts';
import { dns1123Subdomain } from '../../names.ts';
import { equal, type Json, type JsonObject } from '../json.ts';
import { parseQuantity } from '../quantity.ts';
import { at, object, text, texts } from './access.ts';
import { labelSelector } from './workloads.ts';

/** Claims and volumes (`ValidatePersistentVolumeClaimSpec`, `ValidatePersistentVolumeSpec` of pkg/apis/core/validation). */

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const VOLUME_MODES = ['Block', 'Filesystem'];

function accessModes(modes: readonly string[], path: string): Cause[] {
  const causes = modes.filter(mode => !ACCESS_MODES.includes(mode)).map(mode => notSupported(path, mode, ACCESS_MODES));
  if (modes.includes('ReadWriteOncePod') && modes.some(mode => mode !== 'ReadWriteOncePod' && ACCESS_MODES.includes(mode)))
    causes.push(forbidden(path, 'may not use ReadWriteOncePod with other access modes'));
  return causes;
}

const nanos = (value: Json | undefined): bigint => parseQuantity(typeof value === 'number' ? String(value) : text(value))?.nanos ?? 0n;

function positive(value: Json, path: string): Cause[] {
  const amount = nanos(value);
  const causes = amount < 0n ? [invalid(path, text(value), 'must be greater than or equal to 0')] : [];
  return amount > 0n ? causes : [...causes, invalid(path, text(value), 'must be greater than zero')];
}

const volumeMode = (value: Json | undefined): Cause[] =>
  value === undefined || VOLUME_MODES.includes(text(value)) ? [] : [notSupported('spec.volumeMode', text(value), VOLUME_MODES)];

const className = (value: Json | undefined): Cause[] =>
  text(value) === '' ? [] : dns1123Subdomain(text(value)).map(wrong => invalid('spec.storageClassName', text(value), wrong));

export function persistentVolumeClaim(o: JsonObject, old?: JsonObject): Cause[] {
  const spec = object(o.spec);
  const causes: Cause[] = [];
  if (texts(spec.accessModes).length === 0) causes.push(required('spec.accessModes', 'at least 1 access mode is required'));
  causes.push(...labelSelector(spec.selector, 'spec.selector'), ...accessModes(texts(spec.accessModes), 'spec.accessModes'));
  const storage = at(spec, 'resources.requests.storage');
  if (storage === undefined) causes.push(required('spec.resources[storage]'));
  else causes.push(...positive(storage, 'spec.resources[storage]'));
  causes.push(...className(spec.storageClassName), ...volumeMode(spec.volumeMode));
  return old === undefined ? causes : [...causes, ...claimUpdate(spec, object(old.spec), object(old.status))];
}

/** A claim is bound once, and then may only grow. */
function claimUpdate(spec: JsonObject, before: JsonObject, status: JsonObject): Cause[] {
  const bound = status.phase === 'Bound';
  const free = new Set<string>();
  if (text(before.volumeName) === '') free.add('volumeName');
  if (before.storageClassName === undefined) free.add('storageClassName');
  if (bound) free.add('volumeAttributesClassName');
  const fixed = (s: JsonObject): JsonObject => ({
    ...Object.fromEntries(Object.entries(s).filter(([field]) => !free.has(field))),
    resources: bound ? withoutStorage(object(s.resources)) : object(s.resources),
  });
  const causes: Cause[] = [];
  if (!equal(fixed(spec), fixed(before))) {
    causes.push(
      forbidden('spec', 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'),
    );
  }
  const [size, had] = [at(spec, 'resources.requests.storage'), at(before, 'resources.requests.storage')];
  if (nanos(size) < nanos(had) && nanos(size) <= nanos(at(status, 'capacity.storage')))
    causes.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'));
  return causes;
}

function withoutStorage(resources: JsonObject): JsonObject {
  const { storage: _, ...requests } = object(resources.requests);
  return { ...resources, requests };
}

/** What a volume's spec holds beside its source. */
const NO_SOURCE = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);
const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];

export function persistentVolume(o: JsonObject): Cause[] {
  const spec = object(o.spec);
  const causes: Cause[] = [];
  if (texts(spec.accessModes).length === 0) causes.push(required('spec.accessModes'));
  causes.push(...accessModes(texts(spec.accessModes), 'spec.accessModes'));
  const capacity = object(spec.capacity);
  if (Object.keys(capacity).length === 0) causes.push(required('spec.capacity'));
  if (capacity.storage === undefined || Object.keys(capacity).length > 1) causes.push(notSupported('spec.capacity', capacity, ['storage']));
  for (const [name, value] of Object.entries(capacity)) if (value !== undefined) causes.push(...positive(value, `spec.capacity[${name}]`));
  const policy = text(spec.persistentVolumeReclaimPolicy);
  if (policy !== '' && !RECLAIM_POLICIES.includes(policy))
    causes.push(notSupported('spec.persistentVolumeReclaimPolicy', policy, RECLAIM_POLICIES));
  const sources = Object.keys(spec).filter(field => !NO_SOURCE.has(field));
  for (const field of sources.slice(1)) causes.push(forbidden(`spec.${field}`, 'may not specify more than 1 volume type'));
  if (sources.length === 0) causes.push(required('spec', 'must specify a volume type'));
  return [...causes, ...className(spec.storageClassName), ...volumeMode(spec.volumeMode)];
}
