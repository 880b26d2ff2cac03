import { forbiddenError } from '../errors.ts';
import type { ApiObject } from '../object.ts';
import { isObject } from '../schema/json.ts';
import type { Store } from '../storage/store.ts';
import type { Attributes } from './attributes.ts';
import { type Authorizer, covers, type PolicyRule, rulesOf } from './rbac.ts';
import { MASTERS, type UserInfo } from './user.ts';

/** Nobody grants what they do not have themselves (`pkg/registry/rbac/escalation_check.go`), unless they may `escalate` or `bind`. */

const GROUP = 'rbac.authorization.k8s.io';

const may = (authorizer: Authorizer, user: UserInfo, verb: string, resource: string, name: string, namespace: string): boolean =>
  authorizer.authorize({ user, verb, isResource: true, path: '', namespace, group: GROUP, resource, subresource: '', name }).allowed;

/** 403 when a Role or ClusterRole would give more than its writer has. */
export function checkRole(authorizer: Authorizer, user: UserInfo, role: ApiObject): void {
  const { name = '', namespace = '' } = role.metadata;
  const resource = role.kind === 'Role' ? 'roles' : 'clusterroles';
  if (user.groups.includes(MASTERS) || may(authorizer, user, 'escalate', resource, name, namespace)) return;
  refuse(authorizer, user, rulesOf(role), namespace, resource, name);
}

/** 403 when a binding would give more than its writer has. */
export function checkBinding(authorizer: Authorizer, store: Store, user: UserInfo, binding: ApiObject): void {
  const { name = '', namespace = '' } = binding.metadata;
  const reference = isObject(binding['roleRef']) ? binding['roleRef'] : {};
  const roleName = typeof reference['name'] === 'string' ? reference['name'] : '';
  const cluster = reference['kind'] === 'ClusterRole';
  if (user.groups.includes(MASTERS) || may(authorizer, user, 'bind', cluster ? 'clusterroles' : 'roles', roleName, namespace)) return;
  const role = cluster ? store.get(`clusterroles.${GROUP}`, '', roleName) : store.get(`roles.${GROUP}`, namespace, roleName);
  const rules = role === undefined ? [] : rulesOf(role.object);
  refuse(authorizer, user, rules, namespace, binding.kind === 'RoleBinding' ? 'rolebindings' : 'clusterrolebindings', name);
}

function refuse(
  authorizer: Authorizer,
  user: UserInfo,
  wanted: readonly PolicyRule[],
  namespace: string,
  resource: string,
  name: string,
): void {
  const held = authorizer.rules(user, namespace);
  const missing = wanted.flatMap(singleRules).filter(single => !held.some(rule => includes(rule, single)));
  if (missing.length === 0) return;
  const groups = user.groups.map(group => JSON.stringify(group)).join(' ');
  const rules = missing.map(goRule).sort().join('\n');
  const why = `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${rules}`;
  throw forbiddenError({ group: GROUP, resource }, name, why);
}

/** One verb, group and resource each, so that several rules together can cover them. */
function singleRules(rule: PolicyRule): PolicyRule[] {
  const names = rule.resourceNames.length === 0 ? [[]] : rule.resourceNames.map(name => [name]);
  return rule.verbs.flatMap(verb => [
    ...rule.apiGroups.flatMap(group =>
      rule.resources.flatMap(resource =>
        names.map(resourceNames => ({ verbs: [verb], apiGroups: [group], resources: [resource], resourceNames, nonResourceURLs: [] })),
      ),
    ),
    ...rule.nonResourceURLs.map(url => ({ verbs: [verb], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [url] })),
  ]);
}

/** Whether a rule gives what a single one asks; a star is only given by a star. */
function includes(rule: PolicyRule, single: PolicyRule): boolean {
  const [resource = '', subresource = ''] = (single.resources[0] ?? '').split('/', 2);
  const attributes: Attributes = {
    user: { name: '', groups: [] },
    verb: single.verbs[0] ?? '',
    isResource: single.nonResourceURLs.length === 0,
    path: single.nonResourceURLs[0] ?? '',
    namespace: '',
    group: single.apiGroups[0] ?? '',
    resource,
    subresource,
    name: single.resourceNames[0] ?? '',
  };
  return covers(rule, attributes);
}

const list = (values: readonly string[]): string => `[${values.map(value => JSON.stringify(value)).join(' ')}]`;

function goRule({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): string {
  if (nonResourceURLs.length > 0) return `{NonResourceURLs:${list(nonResourceURLs)}, Verbs:${list(verbs)}}`;
  const names = resourceNames.length === 0 ? '' : `, ResourceNames:${list(resourceNames)}`;
  return `{APIGroups:${list(apiGroups)}, Resources:${list(resources)}${names}, Verbs:${list(verbs)}}`;
}
