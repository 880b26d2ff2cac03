import type { IncomingHttpHeaders } from 'node:http';
import { forbiddenError, unauthorized } from '../errors.ts';
import { type Attributes, refusalText } from './attributes.ts';
import type { Authorizer } from './rbac.ts';
import type { TokenAuthority } from './tokens.ts';
import { ADMIN, ALL_AUTHENTICATED, serviceAccountUser, type UserInfo } from './user.ts';

const ANONYMOUS: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

export interface AuthenticatorOptions {
  tokens: TokenAuthority;
  authorizer: () => Authorizer;
  /** Tokens with a fixed user, such as the administrator's in a written kubeconfig. */
  staticTokens: ReadonlyMap<string, UserInfo>;
  /** Whom a request without credentials stands for. */
  anonymousIsAdmin: boolean;
  now: () => Date;
}

/** Finds out who makes a request; 401 for credentials that are not valid. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  authenticate(headers: IncomingHttpHeaders): UserInfo {
    return this.#impersonate(this.#user(headers), headers);
  }

  #user({ authorization }: IncomingHttpHeaders): UserInfo {
    if (authorization === undefined) return this.#options.anonymousIsAdmin ? ADMIN : ANONYMOUS;
    const token = /^Bearer\s+(\S+)$/i.exec(authorization)?.[1];
    if (token === undefined) throw unauthorized();
    const user = this.#options.staticTokens.get(token) ?? this.#options.tokens.authenticate(token, this.#options.now());
    if (user === undefined) throw unauthorized();
    return user;
  }

  /** `Impersonate-User` and its companions, for those who may. */
  #impersonate(user: UserInfo, headers: IncomingHttpHeaders): UserInfo {
    const name = headers['impersonate-user'];
    if (typeof name !== 'string' || name === '') return user;
    const account = SERVICE_ACCOUNT.exec(name);
    const target = { group: '', version: 'v1', resource: 'users', name };
    const attributes: Attributes = {
      user,
      verb: 'impersonate',
      isResource: true,
      path: '',
      namespace: account?.[1] ?? '',
      group: '',
      resource: account === null ? 'users' : 'serviceaccounts',
      subresource: '',
      name: account?.[2] ?? name,
    };
    const decision = this.#options.authorizer().authorize(attributes);
    if (!decision.allowed)
      throw forbiddenError({ group: '', resource: attributes.resource }, target.name, refusalText(attributes, decision.reason));
    const groups = splitHeader(headers['impersonate-group']);
    if (account !== null) {
      const known = serviceAccountUser(account[1] ?? '', account[2] ?? '');
      return groups.length === 0 ? known : { ...known, groups: [...groups, ALL_AUTHENTICATED] };
    }
    return { name, groups: [...groups, ...(name === ANONYMOUS.name ? [] : [ALL_AUTHENTICATED])] };
  }
}

const splitHeader = (value: string | string[] | undefined): string[] =>
  (Array.isArray(value) ? value : (value ?? '').split(',')).map(part => part.trim()).filter(part => part !== '');
