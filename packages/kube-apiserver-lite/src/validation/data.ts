import { type Cause, forbidden, invalid, required, tooLong } from '../errors.ts';
import type { ApiObject, Json } from '../object.ts';
import { equal, isObject } from '../schema/json.ts';

/** ConfigMaps and Secrets. */

const MAX_BYTES = 1024 * 1024;
const KEY = '[-._a-zA-Z0-9]+';
const KEY_RE = new RegExp(`^${KEY}$`);
const IMMUTABLE = 'field is immutable when `immutable` is set';

/** `IsConfigMapKey`. */
function keyCauses(field: string, key: string): Cause[] {
  const causes: Cause[] = [];
  if (key.length > 253) causes.push(invalid(field, key, 'must be no more than 253 characters'));
  if (!KEY_RE.test(key)) {
    causes.push(
      invalid(
        field,
        key,
        `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '${KEY}')`,
      ),
    );
  }
  if (key === '.') causes.push(invalid(field, key, "must not be '.'"));
  else if (key === '..') causes.push(invalid(field, key, "must not be '..'"));
  else if (key.startsWith('..')) causes.push(invalid(field, key, "must not start with '..'"));
  return causes;
}

const entries = (value: Json | undefined): [string, string][] =>
  isObject(value) ? Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string') : [];

const decodedBytes = (base64: string): number => Buffer.byteLength(base64, 'base64');

export function configMapCauses(object: ApiObject): Cause[] {
  const causes: Cause[] = [];
  const binary = entries(object['binaryData']);
  let size = 0;
  for (const [key, value] of entries(object['data'])) {
    causes.push(...keyCauses(`data[${key}]`, key));
    if (binary.some(([other]) => other === key)) causes.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    size += Buffer.byteLength(value);
  }
  for (const [key, value] of binary) {
    causes.push(...keyCauses(`binaryData[${key}]`, key));
    size += decodedBytes(value);
  }
  return size > MAX_BYTES ? [...causes, tooLong('', MAX_BYTES)] : causes;
}

export function configMapUpdateCauses(object: ApiObject, old: ApiObject): Cause[] {
  if (old['immutable'] !== true) return [];
  return frozen(object, old, ['data', 'binaryData']);
}

function frozen(object: ApiObject, old: ApiObject, fields: readonly string[]): Cause[] {
  const causes: Cause[] = [];
  if (object['immutable'] !== true) causes.push(forbidden('immutable', IMMUTABLE));
  for (const field of fields) if (!equal(object[field] ?? {}, old[field] ?? {})) causes.push(forbidden(field, IMMUTABLE));
  return causes;
}

/** Keys that a type of Secret must have. */
const REQUIRED_KEYS = new Map([
  ['kubernetes.io/dockercfg', ['.dockercfg']],
  ['kubernetes.io/dockerconfigjson', ['.dockerconfigjson']],
  ['kubernetes.io/ssh-auth', ['ssh-privatekey']],
  ['kubernetes.io/tls', ['tls.crt', 'tls.key']],
]);
const SERVICE_ACCOUNT_NAME = 'kubernetes.io/service-account.name';

export function secretCauses(object: ApiObject): Cause[] {
  const data = entries(object['data']);
  const has = (key: string): boolean => data.some(([name]) => name === key);
  const causes = data.flatMap(([key]) => keyCauses(`data[${key}]`, key));
  if (data.reduce((sum, [, value]) => sum + decodedBytes(value), 0) > MAX_BYTES) causes.push(tooLong('data', MAX_BYTES));
  const type = typeof object['type'] === 'string' ? object['type'] : '';
  for (const key of REQUIRED_KEYS.get(type) ?? []) if (!has(key)) causes.push(required(`data[${key}]`));
  if (type === 'kubernetes.io/basic-auth' && !has('username') && !has('password')) {
    causes.push(required('data[username]'), required('data[password]'));
  }
  if (type === 'kubernetes.io/service-account-token' && (object.metadata.annotations?.[SERVICE_ACCOUNT_NAME] ?? '') === '') {
    causes.push(required(`metadata.annotations[${SERVICE_ACCOUNT_NAME}]`));
  }
  for (const key of REQUIRED_KEYS.get(type) ?? []) {
    if (!key.startsWith('.docker')) continue;
    const value = data.find(([name]) => name === key)?.[1];
    if (value === undefined || isJson(Buffer.from(value, 'base64').toString())) continue;
    causes.push(invalid(`data[${key}]`, '<secret contents redacted>', 'unexpected end of JSON input'));
  }
  return causes;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export function secretUpdateCauses(object: ApiObject, old: ApiObject): Cause[] {
  const causes: Cause[] = object['type'] === old['type'] ? [] : [invalid('type', object['type'], 'field is immutable')];
  return old['immutable'] === true ? [...causes, ...frozen(object, old, ['data'])] : causes;
}
