import { z } from 'zod';
import { values } from './values.ts';

/** A JSON Schema (draft 7, as Helm reads it). */
export interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
  [keyword: string]: unknown;
}

/** The schema of the values. Unknown keys are refused: a typing error must not be a setting without effect. */
export function valuesSchema(): JsonSchema {
  const schema = strict(z.toJSONSchema(values, { target: 'draft-7', io: 'input' }) as JsonSchema);
  // Helm hands `global` to every chart that is part of another one.
  return {
    ...schema,
    title: 'Values of the Herald chart',
    properties: { ...schema.properties, global: { type: 'object', description: 'Unused.' } },
  };
}

function strict(schema: JsonSchema): JsonSchema {
  const plain = Object.fromEntries(Object.entries(schema).filter(([key]) => !key.startsWith('x-kubernetes-'))) as JsonSchema;
  if (plain.items !== undefined) plain.items = strict(plain.items);
  if (plain.properties !== undefined) {
    plain.properties = Object.fromEntries(Object.entries(plain.properties).map(([name, field]) => [name, strict(field)]));
    plain.additionalProperties = false;
  }
  return plain;
}
