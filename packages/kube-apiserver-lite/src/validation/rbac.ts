import { type Cause, invalid, notSupported, required } from '../errors.ts';
import { dns1123Subdomain } from '../names.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import { equal, isObject } from '../schema/json.ts';

/** Roles and bindings of either scope (`pkg/apis/rbac/validation`). */

const GROUP = 'rbac.authorization.k8s.io';
const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

export function roleCauses(role: ApiObject): Cause[] {
  const namespaced = role.kind === 'Role';
  return objects(role['rules']).flatMap((rule, i) => {
    const path = `rules[${i}]`;
    const causes: Cause[] = [];
    const [urls, groups, resources, names] = ['nonResourceURLs', 'apiGroups', 'resources', 'resourceNames'].map(field => list(rule[field]));
    if (list(rule['verbs']).length === 0) causes.push(required(`${path}.verbs`, 'verbs must contain at least one value'));
    if ((urls?.length ?? 0) > 0) {
      if (namespaced) causes.push(invalid(`${path}.nonResourceURLs`, urls, 'namespaced rules cannot apply to non-resource URLs'));
      if ([groups, resources, names].some(values => (values?.length ?? 0) > 0)) {
        causes.push(invalid(`${path}.nonResourceURLs`, urls, 'rules cannot apply to both regular resources and non-resource URLs'));
      }
      return causes;
    }
    if ((groups?.length ?? 0) === 0) causes.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
    if ((resources?.length ?? 0) === 0) causes.push(required(`${path}.resources`, 'resource rules must supply at least one resource'));
    return causes;
  });
}

export function bindingCauses(binding: ApiObject): Cause[] {
  const namespaced = binding.kind === 'RoleBinding';
  const reference = isObject(binding['roleRef']) ? binding['roleRef'] : {};
  const causes: Cause[] = [];
  const group = text(reference['apiGroup']);
  if (group !== GROUP) causes.push(notSupported('roleRef.apiGroup', group, [GROUP]));
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (!kinds.includes(text(reference['kind']))) causes.push(notSupported('roleRef.kind', text(reference['kind']), kinds));
  if (text(reference['name']) === '') causes.push(required('roleRef.name'));
  for (const [i, subject] of objects(binding['subjects']).entries()) causes.push(...subjectCauses(`subjects[${i}]`, subject, namespaced));
  return causes;
}

function subjectCauses(path: string, subject: JsonObject, namespaced: boolean): Cause[] {
  const [kind, name, group] = [text(subject['kind']), text(subject['name']), text(subject['apiGroup'])];
  const causes: Cause[] = name === '' ? [required(`${path}.name`)] : [];
  if (kind === 'ServiceAccount') {
    if (name !== '') causes.push(...dns1123Subdomain(name).map(why => invalid(`${path}.name`, name, why)));
    if (group !== '') causes.push(notSupported(`${path}.apiGroup`, group, ['']));
    if (!namespaced && text(subject['namespace']) === '') causes.push(required(`${path}.namespace`));
  } else if (kind === 'User' || kind === 'Group') {
    if (group !== GROUP) causes.push(notSupported(`${path}.apiGroup`, group, [GROUP]));
  } else causes.push(notSupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group']));
  return causes;
}

export const bindingUpdateCauses = (binding: ApiObject, old: ApiObject): Cause[] =>
  equal(binding['roleRef'], old['roleRef']) ? [] : [invalid('roleRef', goReference(binding['roleRef']), 'cannot change roleRef')];

/** The reference as the internal Go struct is shown. */
const goReference = (reference: Json | undefined): JsonObject => {
  const { apiGroup, kind, name } = isObject(reference) ? reference : {};
  return { APIGroup: apiGroup ?? '', Kind: kind ?? '', Name: name ?? '' };
};
