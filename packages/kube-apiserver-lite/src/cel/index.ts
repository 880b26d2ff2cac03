import type { Cause, Json, JsonObject, SchemaNode } from '../schema/index.ts';

/** All rules of a schema, compiled. */
export interface RuleSet {
  /** Causes of violated rules; `old` turns transition rules on. */
  validate(object: Json, old?: Json): Cause[];
}
/** Compiles every rule below `node`; `errors` are what a real server says to the CRD (paths below `path`). */
export declare function compileRules(node: SchemaNode): RuleSet;
export declare function checkRules(schema: JsonObject, path: string): Cause[];
