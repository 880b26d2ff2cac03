/** Who makes a request (`k8s.io/apiserver/pkg/authentication/user.Info`). */
export interface UserInfo {
  name: string;
  uid?: string;
  groups: readonly string[];
  extra?: Readonly<Record<string, readonly string[]>>;
}

export const ALL_AUTHENTICATED = 'system:authenticated';
export const MASTERS = 'system:masters';

/** The user with all rights, whom a request without credentials is taken for on an insecure port. */
export const ADMIN: UserInfo = { name: 'system:admin', groups: [MASTERS, ALL_AUTHENTICATED] };

/** The user that a ServiceAccount's token stands for. */
export const serviceAccountUser = (namespace: string, name: string, uid?: string): UserInfo => ({
  name: `system:serviceaccount:${namespace}:${name}`,
  ...(uid === undefined ? {} : { uid }),
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, ALL_AUTHENTICATED],
});
