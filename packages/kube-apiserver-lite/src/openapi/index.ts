import type { JsonObject } from '../schema/index.ts';

/** What is served, for the documents. */
export interface ServedResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly subresources: readonly string[];
  /** A CRD version's schema; absent for built-in kinds. */
  readonly schema?: JsonObject;
}
/** The documents of /openapi; build anew when CRDs change (cheap: group documents are made when asked for). */
export interface OpenApiDocuments {
  /** GET /openapi/v3 */
  index(): JsonObject;
  /** GET /openapi/v3/api/v1 or apis/<group>/<version>; undefined = 404. `hash` is the ETag. */
  v3(path: string): { readonly body: string; readonly hash: string } | undefined;
  /** GET /openapi/v2 as JSON. */
  v2(): string;
}
export declare function openApiDocuments(resources: readonly ServedResource[], version: string): OpenApiDocuments;
/** GET /openapi/v2 as protobuf: an empty document that kubectl and helm accept. */
export declare const openApiV2Protobuf: { readonly body: Uint8Array; readonly contentType: string };
