import type { Json, JsonObject } from './json.ts';

/** The JSON type of a value; `''` accepts any. */
export type NodeType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | '';

/** One rule of `x-kubernetes-validations`. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** The JSON-schema checks of a value, with patterns compiled. Absent members are not checked. */
export interface Checks {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly regexp?: RegExp;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly enum?: readonly Json[];
  readonly allOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly not?: SchemaNode;
}

/**
 * A schema ready for walking: `$ref`s are resolved (the graph may have cycles), maps are looked up once.
 * Built-in kinds and custom resources use the same form, so that patches, apply, pruning, defaults,
 * validation and CEL have one implementation.
 */
export interface SchemaNode {
  readonly type: NodeType;
  readonly format: string;
  readonly nullable: boolean;
  readonly intOrString: boolean;
  /** `x-kubernetes-preserve-unknown-fields`: unknown members are kept. */
  readonly preserveUnknown: boolean;
  /** `x-kubernetes-embedded-resource`: apiVersion, kind and metadata are implied. */
  readonly embedded: boolean;
  readonly properties: ReadonlyMap<string, SchemaNode>;
  readonly required: readonly string[];
  /** The type of the values of a map (`additionalProperties`). */
  readonly additional?: SchemaNode | undefined;
  readonly items?: SchemaNode | undefined;
  readonly default?: Json | undefined;
  /** `x-kubernetes-list-type`; lists are atomic unless told. */
  readonly listType: 'atomic' | 'set' | 'map';
  readonly listMapKeys: readonly string[];
  /** `x-kubernetes-map-type: atomic`. */
  readonly atomic: boolean;
  /** `x-kubernetes-patch-strategy`, split at commas: merge, retainKeys, replace. */
  readonly patchStrategy: readonly string[];
  /** `x-kubernetes-patch-merge-key`. */
  readonly patchMergeKey?: string | undefined;
  readonly rules: readonly ValidationRule[];
  readonly checks?: Checks | undefined;
  /** Built-in kinds: the Go type's name as error texts show it (`v1.ServicePort`, `v1.Protocol`). */
  readonly goType?: string;
  /** Built-in kinds: a struct held by value, which the server always writes (`status: {}`). */
  readonly byValue: boolean;
  /** Built-in kinds: an optional scalar held by pointer, whose zero value is kept. */
  readonly pointer: boolean;
  /** Built-in kinds: written even when empty. */
  readonly always: boolean;
  /** `goType` names a type of its own over a scalar or list. */
  readonly goTypedef: boolean;
  readonly description?: string | undefined;
  /** The document form this node was compiled from. */
  readonly source: JsonObject;
}
