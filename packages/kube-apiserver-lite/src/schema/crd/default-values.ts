import type { Cause } from '../../errors.ts';
import { invalid } from '../../errors.ts';
import { compileSchema } from '../compile.ts';
import { clone, isObject, type JsonObject } from '../json.ts';
import { prune } from '../prune.ts';
import { validateSchema } from '../validate.ts';

/** Defaults must be values of their own schema, without unknown members. */
export function checkDefaults(schema: JsonObject, path: string): Cause[] {
  const causes: Cause[] = [];
  walk(schema, path, causes);
  return causes;
}

function walk(schema: JsonObject, path: string, causes: Cause[]): void {
  if (schema.default !== undefined) {
    const at = `${path}.default`;
    const value = clone(schema.default);
    const node = compileSchema(schema);
    const unknown = isObject(value) ? prune(value, node) : [];
    if (unknown.length > 0) causes.push(invalid(at, schema.default, 'must not have unknown fields'));
    else
      causes.push(
        ...validateSchema(value, node).map(c => ({ ...c, field: c.field === '<nil>' || c.field === '' ? at : `${at}.${c.field}` })),
      );
  }
  if (isObject(schema.properties))
    for (const [name, child] of Object.entries(schema.properties)) if (isObject(child)) walk(child, `${path}.properties[${name}]`, causes);
  if (isObject(schema.items)) walk(schema.items, `${path}.items`, causes);
  if (isObject(schema.additionalProperties)) walk(schema.additionalProperties, `${path}.additionalProperties`, causes);
}
