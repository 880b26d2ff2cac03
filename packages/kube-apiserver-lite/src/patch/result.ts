import type { JsonObject } from '../schema/json.ts';

export type PatchResult =
  | { readonly ok: true; readonly object: JsonObject }
  | { readonly ok: false; readonly code: number; readonly reason: string; readonly message: string };

/** A patch that cannot be applied; `code` and `reason` are the answer's. */
export class PatchError extends Error {
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.name = 'PatchError';
    this.code = code;
    this.reason = reason;
  }
}

export const badPatch = (message: string): PatchError => new PatchError(400, 'BadRequest', message);
export const internal = (message: string): PatchError => new PatchError(500, '', message);
/** What the API server answers when a JSON patch does not apply: it does not say why. */
export const unprocessable = (message = 'the server rejected our request due to an error in our request'): PatchError =>
  new PatchError(422, 'Invalid', message);
