import { type Cause, forbidden, invalid, required, tooLong } from '../errors.ts';
import { dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '../names.ts';
import { type ObjectMeta, type OwnerReference, parseGroupVersion } from '../object.ts';

/** Object metadata (`k8s.io/apimachinery/pkg/api/validation/objectmeta.go`). */

export type NameRule = (name: string) => string[];

const MAX_ANNOTATIONS_BYTES = 256 * 1024;
const STANDARD_FINALIZERS = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

/** Names that end up in URLs and nothing else: RBAC. */
export function pathSegmentName(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter(char => name.includes(char)).map(char => `may not contain '${char}'`);
}

export interface MetadataRules {
  name: NameRule;
  namespaced: boolean;
  /** Finalizers must be qualified or standard: built-in kinds. */
  strictFinalizers: boolean;
}

const all = (field: string, value: unknown, wrong: readonly string[]): Cause[] => wrong.map(text => invalid(field, value, text));

/** The checks of a create. */
export function metadataCauses(metadata: ObjectMeta, rules: MetadataRules): Cause[] {
  const { name = '', generateName = '', namespace = '' } = metadata;
  const causes: Cause[] = [];
  if (generateName !== '') causes.push(...all('metadata.generateName', generateName, rules.name(generateName.replace(/(.)-$/, '$1a'))));
  if (name === '') causes.push(required('metadata.name', 'name or generateName is required'));
  else causes.push(...all('metadata.name', name, rules.name(name)));
  if (rules.namespaced) {
    if (namespace === '') causes.push(required('metadata.namespace'));
    else causes.push(...all('metadata.namespace', namespace, dns1123Label(namespace)));
  } else if (namespace !== '') causes.push(forbidden('metadata.namespace', 'not allowed on this type'));
  return [...causes, ...contentCauses(metadata), ...finalizerCauses(metadata, rules)];
}

/** The checks of an update: what must not change, and the rest anew. */
export function metadataUpdateCauses(metadata: ObjectMeta, old: ObjectMeta): Cause[] {
  return [...addedFinalizers(metadata, old), ...contentCauses(metadata)];
}

function contentCauses(metadata: ObjectMeta): Cause[] {
  return [
    ...labelCauses(metadata.labels, 'metadata.labels'),
    ...annotationCauses(metadata.annotations),
    ...ownerCauses(metadata.ownerReferences ?? []),
  ];
}

/** `ValidateLabels`. */
export function labelCauses(labels: Readonly<Record<string, string>> | undefined, field: string): Cause[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...all(field, key, qualifiedName(key)),
    ...all(field, value, labelValue(value)),
  ]);
}

function annotationCauses(annotations: Readonly<Record<string, string>> | undefined): Cause[] {
  const entries = Object.entries(annotations ?? {});
  const causes = entries.flatMap(([key]) => all('metadata.annotations', key, qualifiedName(key.toLowerCase())));
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return size > MAX_ANNOTATIONS_BYTES ? [...causes, tooLong('metadata.annotations', MAX_ANNOTATIONS_BYTES)] : causes;
}

function ownerCauses(owners: readonly OwnerReference[]): Cause[] {
  const field = 'metadata.ownerReferences';
  const causes = owners.flatMap(owner => {
    const wrong: Cause[] = [];
    if (parseGroupVersion(owner.apiVersion ?? '').version === '') {
      wrong.push(invalid(`${field}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'));
    }
    for (const member of ['kind', 'name', 'uid'] as const) {
      if ((owner[member] ?? '') === '') wrong.push(invalid(`${field}.${member}`, '', 'must not be empty'));
    }
    if (owner.apiVersion === 'v1' && owner.kind === 'Event')
      wrong.push(invalid(field, owner, '/v1, Kind=Event is disallowed from being an owner'));
    return wrong;
  });
  const controllers = owners.filter(owner => owner.controller === true);
  if (controllers.length > 1) {
    const [first, second] = controllers;
    const why = `Only one reference can have Controller set to true. Found "true" in references for ${first?.kind}/${first?.name} and ${second?.kind}/${second?.name}`;
    causes.push(invalid(field, owners, why));
  }
  return causes;
}

function finalizerCauses({ finalizers = [] }: ObjectMeta, { strictFinalizers }: MetadataRules): Cause[] {
  const causes = finalizers.flatMap(finalizer => all('metadata.finalizers', finalizer, qualifiedName(finalizer)));
  if (!strictFinalizers) return causes;
  for (const [i, finalizer] of finalizers.entries()) {
    if (finalizer.includes('/') || STANDARD_FINALIZERS.has(finalizer)) continue;
    causes.push(invalid(`metadata.finalizers[${i}]`, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'));
  }
  return causes;
}

/** An object on its way out takes no new finalizers. */
function addedFinalizers({ finalizers = [] }: ObjectMeta, old: ObjectMeta): Cause[] {
  if (old.deletionTimestamp === undefined) return [];
  const added = finalizers.filter(finalizer => !(old.finalizers ?? []).includes(finalizer)).sort();
  if (added.length === 0) return [];
  const shown = `[]string{${added.map(finalizer => JSON.stringify(finalizer)).join(', ')}}`;
  return [forbidden('metadata.finalizers', `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`)];
}

/** What a custom resource's new finalizers are warned about. */
export const finalizerWarnings = ({ finalizers = [] }: ObjectMeta, old: ObjectMeta | undefined): string[] =>
  finalizers
    .filter(finalizer => old?.finalizers?.includes(finalizer) !== true)
    .filter(finalizer => !finalizer.includes('/') && !STANDARD_FINALIZERS.has(finalizer))
    .map(
      finalizer =>
        `metadata.finalizers: ${JSON.stringify(finalizer)}: prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers`,
    );

/** The rules of a kind's names. */
export const subdomainNames: NameRule = dns1123Subdomain;
