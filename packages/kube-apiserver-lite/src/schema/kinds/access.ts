import { isObject, type Json, type JsonObject } from '../json.ts';

/** Reading members of objects whose types have been checked. */

export const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
export const object = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
export const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.map(v => (isObject(v) ? v : {})) : []);
export const texts = (value: Json | undefined): string[] => (Array.isArray(value) ? value.filter(v => typeof v === 'string') : []);
export const number = (value: Json | undefined): number => (typeof value === 'number' ? value : 0);

/** The object at a dotted path. */
export function at(value: Json | undefined, path: string): Json | undefined {
  let found = value;
  for (const part of path.split('.')) found = isObject(found) ? found[part] : undefined;
  return found;
}
