import { Optional, type ParseResult } from '@marcbachmann/cel-js';
import { type Cause, duplicate, forbidden, required } from '../errors.ts';
import { equal, isObject, type Json } from '../schema/json.ts';
import type { SchemaNode, ValidationRule } from '../schema/node.ts';
import { correlate } from '../schema/validate.ts';
import { parseFieldPath } from './check.ts';
import { evaluationEnvironment } from './environment.ts';
import { converter } from './values.ts';

/** All rules of a schema, ready to run. */
export interface RuleSet {
  /** Causes of violated rules; with `old`, transition rules run and unchanged parts are not judged anew. */
  validate(object: Json, old?: Json): Cause[];
  /** There are no rules. */
  readonly empty: boolean;
}

interface Compiled {
  readonly rule: ValidationRule;
  readonly run: ParseResult;
  readonly message: ParseResult | undefined;
  /** The rule speaks of `oldSelf`. */
  readonly transition: boolean;
}

/** A node with rules on it or below it; others are not visited. */
interface Place {
  readonly node: SchemaNode;
  readonly rules: readonly Compiled[];
  readonly convert: (value: Json) => unknown;
  readonly properties: readonly (readonly [string, Place])[];
  readonly items: Place | undefined;
  readonly additional: Place | undefined;
}

/** Prepares every rule at and below `node`. Rules that do not compile were refused with their CRD and are left out. */
export function compileRules(node: SchemaNode): RuleSet {
  const root = compilePlace(node, 0);
  return {
    empty: root === undefined,
    validate(object, old) {
      const causes: Cause[] = [];
      if (root) visit(root, object, old, '', causes);
      return causes;
    },
  };
}

function compilePlace(node: SchemaNode, depth: number): Place | undefined {
  if (depth > 100) return undefined;
  const properties = [...node.properties].flatMap(([name, child]) => {
    if ((child.goType ?? '') !== '') return []; // metadata, whose rules are not the CRD's
    const place = compilePlace(child, depth + 1);
    return place ? [[name, place] as const] : [];
  });
  const items = node.items && compilePlace(node.items, depth + 1);
  const additional = node.additional && compilePlace(node.additional, depth + 1);
  const rules = node.rules.flatMap(compileRule);
  if (rules.length === 0 && properties.length === 0 && !items && !additional) return undefined;
  return { node, rules, convert: converter(node), properties, items, additional };
}

function compileRule(rule: ValidationRule): Compiled[] {
  try {
    const environment = evaluationEnvironment();
    const message = rule.messageExpression ? environment.parse(rule.messageExpression) : undefined;
    return [{ rule, run: environment.parse(rule.rule), message, transition: /\boldSelf\b/.test(rule.rule) }];
  } catch {
    return [];
  }
}

function visit(place: Place, value: Json, old: Json | undefined, path: string, causes: Cause[]): void {
  if (old !== undefined && equal(value, old)) return;
  if (value === null) return;
  if (place.rules.length > 0) runRules(place, value, old, path, causes);
  if (Array.isArray(value)) {
    if (!place.items) return;
    const before = correlate(value, place.node, old);
    for (let i = 0; i < value.length; i++) visit(place.items, value[i] as Json, before(i), `${path}[${i}]`, causes);
    return;
  }
  if (!isObject(value)) return;
  const before = isObject(old) ? old : undefined;
  const below = (name: string) => (path === '' ? name : `${path}.${name}`);
  for (const [name, child] of place.properties)
    if (value[name] !== undefined) visit(child, value[name], before?.[name], below(name), causes);
  if (!place.additional) return;
  for (const name of Object.keys(value)) {
    if (!place.node.properties.has(name) && value[name] !== undefined)
      visit(place.additional, value[name], before?.[name], `${path}[${name}]`, causes);
  }
}

function runRules(place: Place, value: Json, old: Json | undefined, path: string, causes: Cause[]): void {
  const self = place.convert(value);
  const oldSelf = old === undefined || old === null ? undefined : place.convert(old);
  for (const compiled of place.rules) {
    const optional = compiled.rule.optionalOldSelf === true;
    if (compiled.transition && !optional && oldSelf === undefined) continue;
    const context = { self, oldSelf: optional ? (oldSelf === undefined ? Optional.none() : Optional.of(oldSelf)) : (oldSelf ?? null) };
    try {
      if (compiled.run(context) === true) continue;
    } catch (error) {
      causes.push(unfit(path, `${text(error)} evaluating rule: ${compiled.rule.message || compiled.rule.rule}`));
      continue;
    }
    causes.push(violation(compiled, context, path));
  }
}

const text = (error: unknown): string =>
  (error instanceof Error
    ? (('summary' in error && typeof error.summary === 'string' ? error.summary : error.message).split('\n')[0] ?? '')
    : String(error)
  ).replace(/^No such key/, 'no such key');

const unfit = (path: string, detail: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${detail}`,
  field: path || '<nil>',
});

const maxMessage = 5 * 1024;

function violation({ rule, message }: Compiled, context: Record<string, unknown>, path: string): Cause {
  const detail = ownMessage(message, context) ?? (rule.message?.trim() || `failed rule: ${rule.rule.trim()}`);
  const steps = rule.fieldPath ? (parseFieldPath(rule.fieldPath) ?? []) : [];
  const field = [path, ...steps].filter(Boolean).join('.') || '<nil>';
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return forbidden(field, detail);
    case 'FieldValueRequired':
      return required(field, detail);
    case 'FieldValueDuplicate':
      return duplicate(field, detail);
    default:
      return { reason: 'FieldValueInvalid', message: `Invalid value: ${detail}`, field };
  }
}

/** What the messageExpression says; undefined when it fails or says nothing usable. */
function ownMessage(message: ParseResult | undefined, context: Record<string, unknown>): string | undefined {
  if (!message) return undefined;
  try {
    const result: unknown = message(context);
    if (typeof result !== 'string') return undefined;
    const trimmed = result.trim();
    return trimmed === '' || trimmed.includes('\n') || trimmed.length > maxMessage ? undefined : trimmed;
  } catch {
    return undefined;
  }
}
