import { checkBinding, checkRole } from '../access/escalation.ts';
import type { Cluster } from '../cluster.ts';
import { equal, isObject } from '../schema/json.ts';
import type { Strategy } from './strategy.ts';

const GROUP = 'rbac.authorization.k8s.io';

/** Roles and ClusterRoles: nobody grants what they do not have. */
export const roleStrategy = (cluster: Cluster): Partial<Strategy> => ({
  admitCreate(role, { user }) {
    if (cluster.authorizer !== undefined) checkRole(cluster.authorizer, user, role);
  },
  admitUpdate(role, old, { user }) {
    if (cluster.authorizer !== undefined && !equal(role['rules'], old['rules'])) checkRole(cluster.authorizer, user, role);
  },
});

/** Bindings: groups may be left out (`SetDefaults_RoleBinding`), and nobody binds to more than they have. */
export const bindingStrategy = (cluster: Cluster): Partial<Strategy> => ({
  defaults(binding) {
    const { roleRef, subjects } = binding;
    if (isObject(roleRef) && (roleRef['apiGroup'] ?? '') === '') roleRef['apiGroup'] = GROUP;
    for (const subject of Array.isArray(subjects) ? subjects : []) {
      if (!isObject(subject) || (subject['apiGroup'] ?? '') !== '') continue;
      if (subject['kind'] === 'User' || subject['kind'] === 'Group') subject['apiGroup'] = GROUP;
    }
  },
  admitCreate(binding, { user }) {
    if (cluster.authorizer !== undefined) checkBinding(cluster.authorizer, cluster.store, user, binding);
  },
  admitUpdate(binding, old, { user }) {
    if (cluster.authorizer === undefined) return;
    if (equal(binding['subjects'], old['subjects']) && equal(binding['roleRef'], old['roleRef'])) return;
    checkBinding(cluster.authorizer, cluster.store, user, binding);
  },
});
