import type { RequestInfo } from '../http/request-info.ts';
import type { UserInfo } from './user.ts';

/** What an authorizer decides about (`k8s.io/apiserver/pkg/authorization/authorizer.Attributes`). */
export interface Attributes {
  user: UserInfo;
  verb: string;
  isResource: boolean;
  /** For what is no resource. */
  path: string;
  namespace: string;
  group: string;
  resource: string;
  subresource: string;
  name: string;
}

export const attributesOf = (user: UserInfo, info: RequestInfo): Attributes => ({
  user,
  verb: info.verb,
  isResource: info.isResource,
  path: info.path,
  namespace: info.resource === 'namespaces' ? info.name : info.namespace,
  group: info.group,
  resource: info.resource,
  subresource: info.subresource,
  name: info.name,
});

/** The sentence that a refusal carries. */
export function refusalText({ user, verb, isResource, path, namespace, group, resource, subresource }: Attributes, why: string): string {
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`;
  const end = why === '' ? '' : `: ${why}`;
  if (!isResource) return `${who} path ${JSON.stringify(path)}${end}`;
  const what = `${resource}${subresource === '' ? '' : `/${subresource}`}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  return `${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}${end}`;
}
