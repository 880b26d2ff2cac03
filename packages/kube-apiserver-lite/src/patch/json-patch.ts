import { clone, define, equal, isObject, type Json, type JsonObject } from '../schema/json.ts';
import { badPatch, PatchError, unprocessable } from './result.ts';

/** RFC 6902 as evanphx/json-patch and the API server apply it: any failure is a 422 that does not say why. */

const maxOperations = 10_000;

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: Json;
}

function goKind(value: Json): string {
  return Array.isArray(value) ? 'array' : isObject(value) ? 'object' : typeof value === 'boolean' ? 'bool' : typeof value;
}

function readOperations(patch: Json): Operation[] {
  if (patch === null) return [];
  if (!Array.isArray(patch))
    throw badPatch(`error decoding patch: json: cannot unmarshal ${goKind(patch)} into Go value of type []handlers.jsonPatchOp`);
  if (patch.length > maxOperations) {
    throw new PatchError(
      413,
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
    );
  }
  return patch.map(item => {
    if (!isObject(item))
      throw badPatch(`error decoding patch: json: cannot unmarshal ${goKind(item)} into Go value of type handlers.jsonPatchOp`);
    const { op, path, from, value } = item;
    if (typeof op !== 'string' || typeof path !== 'string') throw unprocessable();
    return { op, path, ...(typeof from === 'string' ? { from } : {}), ...(value === undefined ? {} : { value }) };
  });
}

/** Applies a JSON patch to a copy of `current`. */
export function jsonPatch(current: JsonObject, patch: Json): JsonObject {
  const root = { '': clone(current) as Json };
  for (const operation of readOperations(patch)) apply(root, operation);
  const result = root[''];
  if (!isObject(result)) throw unprocessable();
  return result;
}

/** RFC 6901 tokens; the document itself lies under the member `''` of a root, so that it can be replaced too. */
function pointer(path: string): string[] {
  if (path !== '' && !path.startsWith('/')) throw unprocessable();
  return path.split('/').map(t => t.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function container(root: JsonObject, tokens: readonly string[]): Json[] | JsonObject {
  let value: Json | undefined = root;
  for (const token of tokens) value = member(value, token);
  if (!Array.isArray(value) && !isObject(value)) throw unprocessable();
  return value;
}

function member(value: Json | undefined, token: string): Json {
  let found: Json | undefined;
  if (Array.isArray(value)) found = value[index(token, value.length - 1)];
  else if (isObject(value) && Object.hasOwn(value, token)) found = value[token];
  if (found === undefined) throw unprocessable();
  return found;
}

function index(token: string, max: number): number {
  if (!/^-?(?:0|[1-9]\d*)$/.test(token)) throw unprocessable();
  const i = Number(token);
  if (i < 0 || i > max) throw unprocessable();
  return i;
}

function read(root: JsonObject, path: string): Json {
  const tokens = pointer(path);
  return member(container(root, tokens.slice(0, -1)), tokens.at(-1) ?? '');
}

function add(root: JsonObject, path: string, value: Json): void {
  const tokens = pointer(path);
  const parent = container(root, tokens.slice(0, -1));
  const last = tokens.at(-1) ?? '';
  if (Array.isArray(parent)) {
    if (last === '-') parent.push(value);
    else parent.splice(index(last, parent.length), 0, value);
  } else define(parent, last, value);
}

function remove(root: JsonObject, path: string): void {
  const tokens = pointer(path);
  const parent = container(root, tokens.slice(0, -1));
  const last = tokens.at(-1) ?? '';
  member(parent, last);
  if (Array.isArray(parent)) parent.splice(index(last, parent.length - 1), 1);
  else delete parent[last];
}

function apply(root: JsonObject, { op, path, from, value }: Operation): void {
  switch (op) {
    case 'add':
    case 'replace':
      if (value === undefined) throw unprocessable();
      if (op === 'replace') {
        read(root, path);
        const tokens = pointer(path);
        const parent = container(root, tokens.slice(0, -1));
        const last = tokens.at(-1) ?? '';
        if (Array.isArray(parent)) parent[index(last, parent.length - 1)] = clone(value);
        else define(parent, last, clone(value));
      } else add(root, path, clone(value));
      return;
    case 'remove':
      remove(root, path);
      return;
    case 'move':
    case 'copy': {
      if (from === undefined) throw unprocessable();
      const moved = clone(read(root, from));
      if (op === 'move') {
        if (path.startsWith(`${from}/`)) throw unprocessable();
        remove(root, from);
      }
      add(root, path, moved);
      return;
    }
    case 'test': {
      let actual: Json | undefined;
      try {
        actual = read(root, path);
      } catch (error) {
        if (!(error instanceof PatchError) || value !== null) throw error;
        return; // a test for null passes where nothing is
      }
      if (!equal(actual, value ?? null)) throw unprocessable();
      return;
    }
    default:
      throw unprocessable();
  }
}
