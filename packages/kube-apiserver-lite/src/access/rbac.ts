import type { ApiObject, Json } from '../object.ts';
import { isObject } from '../schema/json.ts';
import type { Store } from '../storage/store.ts';
import type { Attributes } from './attributes.ts';
import { MASTERS, type UserInfo } from './user.ts';

/** `rbac.authorization.k8s.io`: a request is allowed when some rule that is bound to its user covers it. */

export interface PolicyRule {
  verbs: readonly string[];
  apiGroups: readonly string[];
  resources: readonly string[];
  resourceNames: readonly string[];
  nonResourceURLs: readonly string[];
}

export interface Decision {
  allowed: boolean;
  /** Which binding allowed it, or what went wrong on the way. */
  reason: string;
}

export interface Authorizer {
  authorize: (attributes: Attributes) => Decision;
  /** All rules a user has in a namespace, for SelfSubjectRulesReview. */
  rules: (user: UserInfo, namespace: string) => PolicyRule[];
}

/** Everything goes. */
export const alwaysAllow: Authorizer = {
  authorize: () => ({ allowed: true, reason: '' }),
  rules: () => [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [], nonResourceURLs: [] }],
};

const GROUP = 'rbac.authorization.k8s.io';

interface Grant {
  rule: PolicyRule;
  by: string;
}

/** Decides by the Roles, ClusterRoles and bindings in the store. */
export class RbacAuthorizer implements Authorizer {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  authorize(attributes: Attributes): Decision {
    if (attributes.user.groups.includes(MASTERS)) return { allowed: true, reason: '' };
    const missing: string[] = [];
    for (const grant of this.#grants(attributes.user, attributes.namespace, missing)) {
      if (covers(grant.rule, attributes)) return { allowed: true, reason: `RBAC: allowed by ${grant.by}` };
    }
    const reason = missing.length === 0 ? '' : `RBAC: ${missing.length === 1 ? missing[0] : `[${missing.join(', ')}]`}`;
    return { allowed: false, reason };
  }

  rules(user: UserInfo, namespace: string): PolicyRule[] {
    return [...this.#grants(user, namespace, [])].map(grant => grant.rule);
  }

  *#grants(user: UserInfo, namespace: string, missing: string[]): Generator<Grant> {
    for (const { object } of this.#store.table(`clusterrolebindings.${GROUP}`).list()) {
      yield* this.#bound(object, 'ClusterRoleBinding', '', user, missing);
    }
    if (namespace === '') return;
    for (const { object } of this.#store.table(`rolebindings.${GROUP}`).list(namespace)) {
      yield* this.#bound(object, 'RoleBinding', namespace, user, missing);
    }
  }

  *#bound(binding: ApiObject, kind: string, namespace: string, user: UserInfo, missing: string[]): Generator<Grant> {
    const subjects = Array.isArray(binding['subjects']) ? binding['subjects'] : [];
    const subject = subjects.find(candidate => applies(candidate, user, namespace));
    if (subject === undefined || !isObject(subject)) return;
    const reference = isObject(binding['roleRef']) ? binding['roleRef'] : {};
    const [roleKind, name] = [text(reference['kind']), text(reference['name'])];
    const role =
      roleKind === 'ClusterRole' ? this.#store.get(`clusterroles.${GROUP}`, '', name) : this.#store.get(`roles.${GROUP}`, namespace, name);
    if (role === undefined) {
      missing.push(`${roleKind.toLowerCase()}.${GROUP} ${JSON.stringify(name)} not found`);
      return;
    }
    const inNamespace = namespace === '' ? '' : `/${namespace}`;
    const bindingName = JSON.stringify(`${binding.metadata.name}${inNamespace}`);
    const by = `${kind} ${bindingName} of ${roleKind} ${JSON.stringify(name)} to ${text(subject['kind'])} ${JSON.stringify(subjectName(subject))}`;
    for (const rule of rulesOf(role.object)) yield { rule, by };
  }
}

const subjectName = (subject: Record<string, Json | undefined>): string =>
  subject['kind'] === 'ServiceAccount' ? `${text(subject['name'])}/${text(subject['namespace'])}` : text(subject['name']);

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const texts = (value: Json | undefined): string[] => (Array.isArray(value) ? value.filter(item => typeof item === 'string') : []);

/** The rules of a Role or ClusterRole. */
export function rulesOf(role: ApiObject): PolicyRule[] {
  return (Array.isArray(role['rules']) ? role['rules'] : []).filter(isObject).map(rule => ({
    verbs: texts(rule['verbs']),
    apiGroups: texts(rule['apiGroups']),
    resources: texts(rule['resources']),
    resourceNames: texts(rule['resourceNames']),
    nonResourceURLs: texts(rule['nonResourceURLs']),
  }));
}

function applies(subject: Json, user: UserInfo, namespace: string): boolean {
  if (!isObject(subject)) return false;
  const name = text(subject['name']);
  switch (subject['kind']) {
    case 'User':
      return user.name === name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount':
      return user.name === `system:serviceaccount:${text(subject['namespace']) || namespace}:${name}`;
    default:
      return false;
  }
}

const among = (list: readonly string[], value: string): boolean => list.includes('*') || list.includes(value);

/** Whether a rule covers a request (`RuleAllows`). */
export function covers(rule: PolicyRule, attributes: Attributes): boolean {
  if (!among(rule.verbs, attributes.verb)) return false;
  if (!attributes.isResource) {
    return rule.nonResourceURLs.some(
      url => url === '*' || url === attributes.path || (url.endsWith('*') && attributes.path.startsWith(url.slice(0, -1))),
    );
  }
  const { resource, subresource } = attributes;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  const resources = among(rule.resources, combined) || (subresource !== '' && rule.resources.includes(`*/${subresource}`));
  if (!resources || !among(rule.apiGroups, attributes.group)) return false;
  return rule.resourceNames.length === 0 || rule.resourceNames.includes(attributes.name);
}
