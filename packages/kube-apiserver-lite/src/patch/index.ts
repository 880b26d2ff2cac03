import type { Json, JsonObject } from '../schema/json.ts';
import type { SchemaNode } from '../schema/node.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { PatchError, type PatchResult } from './result.ts';
import { strategicPatch } from './strategic.ts';

export type { PatchResult } from './result.ts';
export type PatchType = 'json' | 'merge' | 'strategic';

/** Applies a parsed patch to a copy of `current`; error texts are the real server's. `schema` is needed by `strategic` only. */
export function applyPatch(type: PatchType, current: JsonObject, patch: Json, schema?: SchemaNode): PatchResult {
  try {
    if (type === 'json') return { ok: true, object: jsonPatch(current, patch) };
    if (type === 'merge') return { ok: true, object: mergePatch(current, patch) };
    if (!schema) throw new PatchError(415, 'UnsupportedMediaType', 'strategic merge patch needs the schema of a built-in kind');
    return { ok: true, object: strategicPatch(current, patch, schema) };
  } catch (error) {
    if (error instanceof PatchError) return { ok: false, code: error.code, reason: error.reason, message: error.message };
    throw error;
  }
}
