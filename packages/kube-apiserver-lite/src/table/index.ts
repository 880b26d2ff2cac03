import type { Json, JsonObject } from '../schema/index.ts';

export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}
/** How objects of a kind are shown as a meta.k8s.io/v1 Table. */
export interface TableConvertor {
  readonly columns: readonly ColumnDefinition[];
  cells(object: JsonObject, now: Date): Json[];
}
export declare function builtinTable(gvk: { group: string; version: string; kind: string }): TableConvertor;
/** For a CRD version: `additionalPrinterColumns`, or Name and Age. */
export declare function customTable(additionalPrinterColumns: readonly JsonObject[] | undefined): TableConvertor;
export interface TableOptions {
  readonly now: Date;
  /** `includeObject` of the request. */
  readonly includeObject?: string;
  /** false: column definitions are left out (second and later watch events). */
  readonly definitions?: boolean;
}
/** A Table for objects of one kind. `metadata` is the list's metadata (or of the one object: its resourceVersion). */
export declare function toTable(
  convertor: TableConvertor,
  objects: readonly JsonObject[],
  metadata: JsonObject,
  options: TableOptions,
): JsonObject;
