import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import type { Store } from '../storage/store.ts';
import { serviceAccountUser, type UserInfo } from './user.ts';

/** ServiceAccount tokens: JSON Web Tokens (RFC 7519) signed with ES256 by a key of this server. */

export const DEFAULT_AUDIENCE = 'https://kubernetes.default.svc.cluster.local';

export interface TokenClaims {
  namespace: string;
  name: string;
  uid: string;
  audiences: readonly string[];
  /** Unix seconds. */
  issuedAt: number;
  expires: number;
  bound?: { kind: string; name: string; uid: string };
}

/** A new key for {@link TokenAuthority}, in PEM. */
export const newTokenKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

export class TokenAuthority {
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly #store: Store;

  /** `pem`: the key that signs, as {@link newTokenKey} makes it. */
  constructor(store: Store, pem: string) {
    this.#store = store;
    this.#private = createPrivateKey(pem);
    this.#public = createPublicKey(this.#private);
  }

  issue(claims: TokenClaims): string {
    const header = { alg: 'ES256', typ: 'JWT' };
    const payload = {
      aud: claims.audiences,
      exp: claims.expires,
      iat: claims.issuedAt,
      nbf: claims.issuedAt,
      iss: DEFAULT_AUDIENCE,
      'kubernetes.io': {
        namespace: claims.namespace,
        serviceaccount: { name: claims.name, uid: claims.uid },
        ...(claims.bound === undefined ? {} : { [claims.bound.kind.toLowerCase()]: { name: claims.bound.name, uid: claims.bound.uid } }),
      },
      sub: `system:serviceaccount:${claims.namespace}:${claims.name}`,
    };
    const signed = `${encode(header)}.${encode(payload)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: this.#private, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  /** The user a token stands for; undefined when it is not ours, has expired, or its ServiceAccount is gone. */
  authenticate(token: string, now: Date): UserInfo | undefined {
    const [header = '', payload = '', signature = '', ...rest] = token.split('.');
    if (signature === '' || rest.length > 0) return undefined;
    const key = { key: this.#public, dsaEncoding: 'ieee-p1363' } as const;
    if (!verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))) return undefined;
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
      exp: number;
      'kubernetes.io': { namespace: string; serviceaccount: { name: string; uid: string } };
    };
    if (claims.exp * 1000 <= now.getTime()) return undefined;
    const { namespace, serviceaccount } = claims['kubernetes.io'];
    const stored = this.#store.get('serviceaccounts', namespace, serviceaccount.name);
    if (stored?.object.metadata.uid !== serviceaccount.uid) return undefined;
    return serviceAccountUser(namespace, serviceaccount.name, serviceaccount.uid);
  }
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
