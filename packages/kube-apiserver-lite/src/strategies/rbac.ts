import { isObject } from '../schema/json.ts';
import type { Strategy } from './strategy.ts';

const GROUP = 'rbac.authorization.k8s.io';

/** The groups that bindings may leave out (`SetDefaults_RoleBinding`). */
export const bindingStrategy: Partial<Strategy> = {
  defaults(binding) {
    const { roleRef, subjects } = binding;
    if (isObject(roleRef) && (roleRef['apiGroup'] ?? '') === '') roleRef['apiGroup'] = GROUP;
    for (const subject of Array.isArray(subjects) ? subjects : []) {
      if (!isObject(subject) || (subject['apiGroup'] ?? '') !== '') continue;
      if (subject['kind'] === 'User' || subject['kind'] === 'Group') subject['apiGroup'] = GROUP;
    }
  },
};
