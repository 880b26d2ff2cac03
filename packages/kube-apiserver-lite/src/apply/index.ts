import type { JsonObject, SchemaNode } from '../schema/index.ts';

/** Who writes, to which endpoint, when. */
export interface FieldWrite {
  readonly schema: SchemaNode;
  readonly manager: string;
  /** groupVersion of the request, e.g. `apps/v1`. */
  readonly apiVersion: string;
  /** `''` for the main resource. */
  readonly subresource: string;
  /** RFC 3339, seconds, `Z`. */
  readonly now: string;
  /** Paths this endpoint resets and therefore never owns, e.g. `[['status']]` on the main resource, `[['spec'],['metadata']]` on /status. */
  readonly resetFields?: readonly (readonly string[])[];
}
export type ApplyResult =
  | {
      readonly ok: true;
      readonly object: JsonObject /** false: nothing but managedFields' times would change */;
      readonly changed: boolean;
    }
  | {
      readonly ok: false;
      readonly code: number;
      readonly reason: string;
      readonly message: string;
      readonly causes: readonly { reason: string; message: string; field: string }[];
    };

/** Server-side apply of `applied` onto `live` (undefined = create). Neither is mutated. managedFields are in the result. */
export declare function serverSideApply(
  live: JsonObject | undefined,
  applied: JsonObject,
  write: FieldWrite & { readonly force: boolean },
): ApplyResult;
/** metadata.managedFields for a create, PUT or patch: `object` is what will be stored, after defaults. Returns a copy with managedFields. */
export declare function trackUpdate(live: JsonObject | undefined, object: JsonObject, write: FieldWrite): JsonObject;
/** True when storing `object` over `live` changes nothing (managedFields' times apart): then neither resourceVersion nor time move. */
export declare function isNoop(live: JsonObject, object: JsonObject): boolean;
