import type { Cause } from '../errors.ts';
import type { ApiObject } from '../object.ts';
import { validationOf } from './kind.ts';
import { type MetadataRules, metadataCauses, metadataUpdateCauses, subdomainNames } from './metadata.ts';

export { finalizerWarnings } from './metadata.ts';

interface KindName {
  group: string;
  kind: string;
  namespaced: boolean;
}

/** The causes of a create or update of a built-in kind, in the real server's order: metadata first, and on update twice. */
export function builtinCauses(
  { group, kind, namespaced }: KindName,
  object: ApiObject,
  old: ApiObject | undefined,
  status: boolean,
): Cause[] {
  const rules = validationOf(group, kind);
  const metadata: MetadataRules = { name: rules.name, namespaced, strictFinalizers: true };
  const event = kind === 'Event';
  if (old === undefined) return [...(event ? [] : metadataCauses(object.metadata, metadata)), ...rules.causes(object, undefined)];
  const generic = metadataUpdateCauses(object.metadata, old.metadata);
  if (event) return [...generic, ...rules.causes(object, old)];
  const causes = [...generic, ...metadataUpdateCauses(object.metadata, old.metadata)];
  if (status) return causes;
  causes.push(...(rules.update?.(object, old) ?? []));
  if (rules.metadataAgain) causes.push(...metadataCauses(object.metadata, metadata));
  return [...causes, ...rules.causes(object, old)];
}

/** The metadata of a custom resource. */
export function customMetadataCauses(object: ApiObject, old: ApiObject | undefined, namespaced: boolean): Cause[] {
  if (old === undefined) return metadataCauses(object.metadata, { name: subdomainNames, namespaced, strictFinalizers: false });
  const generic = metadataUpdateCauses(object.metadata, old.metadata);
  return [...generic, ...generic];
}
