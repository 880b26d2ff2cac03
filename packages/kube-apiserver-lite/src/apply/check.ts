import { isObject, type Json } from '../schema/json.ts';
import type { SchemaNode } from '../schema/node.ts';
import { pathText } from './field-set.ts';
import { itemElement, shapeOf, TypedError } from './typed.ts';

/** What an applied configuration may not hold: fields nobody declared, values of the wrong kind, list items that cannot be told apart. */
export function checkTyped(value: Json, node: SchemaNode, elements: readonly string[] = []): string[] {
  const at = pathText(elements);
  if (value === null) return [];
  if (node.intOrString || node.format === 'quantity') return isObject(value) || Array.isArray(value) ? [wrong(at, 'scalar', value)] : [];
  if (node.items || node.type === 'array') {
    if (!Array.isArray(value)) return [`${at}: expected list, got &{${goValue(value)}}`];
    return checkList(value, node, elements);
  }
  if (node.properties.size > 0 || node.additional || node.type === 'object') {
    if (!isObject(value)) return [`${at}: expected map, got &{${goValue(value)}}`];
    const errors: string[] = [];
    for (const key of Object.keys(value)) {
      const child = node.properties.get(key) ?? node.additional;
      const path = [...elements, `f:${key}`];
      if (child) errors.push(...checkTyped(value[key] as Json, child, path));
      else if (!node.preserveUnknown && (node.properties.size > 0 || node.source.type === undefined))
        errors.push(`${pathText(path)}: field not declared in schema`);
    }
    return errors;
  }
  if (node.type === 'string' && typeof value !== 'string') return [wrong(at, 'string', value)];
  if ((node.type === 'integer' || node.type === 'number') && typeof value !== 'number') return [wrong(at, 'numeric (int or float)', value)];
  if (node.type === 'boolean' && typeof value !== 'boolean') return [wrong(at, 'boolean', value)];
  return [];
}

function checkList(value: Json[], node: SchemaNode, elements: readonly string[]): string[] {
  const errors: string[] = [];
  const seen = new Set<string>();
  const list = shapeOf(node, value) === 'list';
  value.forEach((item, i) => {
    let element = `i:${i}`;
    if (list) {
      try {
        element = itemElement(node, item, i);
      } catch (error) {
        if (!(error instanceof TypedError)) throw error;
        errors.push(`${pathText(elements)}${error.message}`);
        return;
      }
      if (seen.has(element)) errors.push(`${pathText(elements)}: duplicate entries for key ${pathText([element])}`);
      seen.add(element);
    }
    if (node.items) errors.push(...checkTyped(item, node.items, [...elements, element]));
  });
  return errors;
}

const wrong = (at: string, expected: string, value: Json) =>
  `${at}: expected ${expected}, got &value.valueUnstructured{Value:${goLiteral(value)}}`;

function goLiteral(value: Json): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goLiteral).join(', ')}}`;
  if (isObject(value))
    return `map[string]interface {}{${Object.keys(value)
      .map(k => `${JSON.stringify(k)}:${goLiteral(value[k] as Json)}`)
      .join(', ')}}`;
  return value === null ? 'interface {}(nil)' : JSON.stringify(value);
}

function goValue(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (isObject(value))
    return `map[${Object.keys(value)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map(k => `${k}:${goValue(value[k] as Json)}`)
      .join(' ')}]`;
  return value === null ? '<nil>' : String(value);
}
