import type { Json, JsonObject } from './json.ts';
import type { SchemaNode } from './node.ts';

export * from './json.ts';
export type * from './node.ts';

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** One entry of `details.causes` of a Status. `message` is the text without the field, as the API shows it. */
export interface Cause {
  readonly reason:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid'
    | 'FieldValueNotFound'
    | 'InternalError';
  readonly message: string;
  readonly field: string;
}

/** The schema of a built-in kind, or undefined. Loaded at the first call. */
export declare function builtinSchema(gvk: GroupVersionKind): SchemaNode | undefined;
/** Compiles an OpenAPI v3 schema of a CRD version into its walkable form. `metadata` etc. are filled in for the root. */
export declare function compileCrdSchema(openAPIV3Schema: JsonObject): SchemaNode;
/** What a real server answers to this CRD: empty = accepted. `old` is the stored one on update (ratcheting of rules). */
export declare function validateCrd(crd: JsonObject, old?: JsonObject): Cause[];
/** CRD defaults: names.singular, listKind, conversion, … (mutates). */
export declare function defaultCrd(crd: JsonObject): void;
/** Removes fields the schema does not know; returns their paths (`spec.ports[0].prot`). Mutates. */
export declare function prune(object: JsonObject, node: SchemaNode): string[];
/** Fills defaults (mutates); nulls at non-nullable fields with a default give way to it. */
export declare function applyDefaults(object: JsonObject, node: SchemaNode): void;
/** JSON-schema and list-type validation; with `old`, unchanged parts are ratcheted (CRDs). Causes in the real server's order. */
export declare function validateSchema(object: Json, node: SchemaNode, options?: { path?: string; old?: Json | undefined }): Cause[];
/**
 * Built-in kinds: what decoding JSON into the Go type does. Returns the first type error's text
 * (`json: cannot unmarshal number into Go struct field ConfigMap.data of type string`) or undefined,
 * collects unknown fields, and drops them and what Go would not write (empty optional members). Mutates.
 */
export declare function decodeBuiltin(object: JsonObject, gvk: GroupVersionKind): { error?: string; unknown: string[] };
/** What the hand-written validation of a built-in kind says (names, labels, ports, …); `old` on update. */
export declare function validateBuiltin(object: JsonObject, gvk: GroupVersionKind, old?: JsonObject): Cause[];
