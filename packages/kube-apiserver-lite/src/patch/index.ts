import type { Json, JsonObject, SchemaNode } from '../schema/index.ts';

export type PatchType = 'json' | 'merge' | 'strategic';
export type PatchResult =
  | { readonly ok: true; readonly object: JsonObject }
  | { readonly ok: false; readonly code: number; readonly reason: string; readonly message: string };

/** Applies a parsed patch to `current` (not mutated). `schema` is needed by `strategic` only. */
export declare function applyPatch(type: PatchType, current: JsonObject, patch: Json, schema?: SchemaNode): PatchResult;
