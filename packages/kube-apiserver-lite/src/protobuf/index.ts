import type { JsonObject } from '../schema/index.ts';

/** Decodes an `application/vnd.kubernetes.protobuf` body. `code` 415: a kind without a table; 400: broken bytes. */
export declare function decodeProtobuf(
  body: Uint8Array,
): { ok: true; object: JsonObject } | { ok: false; code: 400 | 415; message: string };
