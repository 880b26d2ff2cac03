import type { Cause } from '../errors.ts';
import type { Json } from '../schema/json.ts';
import type { SchemaNode } from '../schema/node.ts';
import { validateListTypes, validateSchema } from '../schema/validate.ts';
import type { RuleSet } from './rules.ts';

const blocking = new Set<string>([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

/**
 * Everything the schema of a custom resource says about an object: shape, lists, rules. Rules do not run on an object
 * whose shape is so wrong that they could fail for that reason alone.
 */
export function validateCustomResource(object: Json, node: SchemaNode, rules: RuleSet, old?: Json): Cause[] {
  const causes = [...validateSchema(object, node, old === undefined ? {} : { old }), ...validateListTypes(object, node, old)];
  if (!causes.some(c => blocking.has(c.reason))) return [...causes, ...rules.validate(object, old)];
  if (rules.empty) return causes;
  const why = 'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
  return [...causes, { reason: 'FieldValueInvalid', message: `Invalid value: null: ${why}`, field: '<nil>' }];
}
