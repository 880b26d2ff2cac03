import { badRequest } from '../errors.ts';

/** Where the next page of a list starts: the version the first page was read at, and the last key it showed. */
export interface ContinueToken {
  revision: number;
  namespace: string;
  name: string;
}

export function encodeContinue({ revision, namespace, name }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: `${namespace}/${name}\u0000` })).toString('base64url');
}

/** 400 for anything that {@link encodeContinue} did not make. */
export function decodeContinue(token: string): ContinueToken {
  const text = Buffer.from(token, 'base64url').toString('latin1');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const [first = ''] = text;
    throw invalidToken(
      first === '' ? 'unexpected end of JSON input' : `invalid character '${escaped(first)}' looking for beginning of value`,
    );
  }
  const { v, rv, start } = (value ?? {}) as { v?: unknown; rv?: unknown; start?: unknown };
  if (v !== 'meta.k8s.io/v1')
    throw badRequest(`continue key is not valid: server does not recognize this encoded version ${JSON.stringify(v)}`);
  if (typeof rv !== 'number' || typeof start !== 'string' || !Number.isSafeInteger(rv) || rv < 1) {
    throw badRequest('continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  const slash = start.indexOf('/');
  return { revision: rv, namespace: start.slice(0, slash), name: start.slice(slash + 1).split('\u0000', 1)[0] ?? '' };
}

const invalidToken = (why: string): Error => badRequest(`invalid continue token: continue key is not valid: ${why}`);

const escaped = (char: string): string => {
  const code = char.charCodeAt(0);
  return code < 0x20 || (code >= 0x7f && code < 0xa1) ? `\\u${code.toString(16).padStart(4, '0')}` : char;
};
