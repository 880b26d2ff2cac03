import type { Json, JsonObject } from '../schema/index.ts';

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };
export interface LabelSelector {
  readonly empty: boolean;
  matches(labels: { readonly [key: string]: Json | undefined } | undefined): boolean;
}
export interface FieldSelector {
  readonly empty: boolean;
  /** value by which `metadata.name` must equal, when the selector says so (a fast path for watches and lists). */
  readonly name?: string;
  matches(object: JsonObject): boolean;
}
/** Parses `labelSelector`; a message is the real server's (400 BadRequest). */
export declare function parseLabelSelector(text: string): Parsed<LabelSelector>;
/** A metav1.LabelSelector (`matchLabels`, `matchExpressions`). */
export declare function compileLabelSelector(selector: JsonObject): Parsed<LabelSelector>;
/** Parses `fieldSelector` for a kind; `selectable`: a CRD version's selectableFields JSON paths. */
export declare function parseFieldSelector(
  text: string,
  gvk: { group: string; version: string; kind: string },
  selectable?: readonly string[],
): Parsed<FieldSelector>;
