import { clone, define, isObject, type Json, type JsonObject } from '../schema/json.ts';
import { badPatch } from './result.ts';

/** RFC 7386 applied to a copy of `current`. */
export function mergePatch(current: JsonObject, patch: Json): JsonObject {
  if (!isObject(patch)) {
    const kind = Array.isArray(patch) ? 'array' : patch === null ? 'null' : typeof patch === 'boolean' ? 'bool' : typeof patch;
    throw badPatch(`error decoding patch: json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`);
  }
  return merge(current, patch);
}

function merge(target: Json | undefined, patch: JsonObject): JsonObject {
  const result: JsonObject = isObject(target) ? clone(target) : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null || value === undefined) delete result[key];
    else define(result, key, isObject(value) ? merge(Object.hasOwn(result, key) ? result[key] : undefined, value) : clone(value));
  }
  return result;
}
