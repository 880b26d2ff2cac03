import { equal, isObject, type Json } from '../schema/json.ts';

/** The JSONPath of `additionalPrinterColumns` and kubectl: fields, indexes, slices, wildcards, recursive descent, simple filters. */

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'descend' }
  | { readonly kind: 'slice'; readonly from: number | undefined; readonly to: number | undefined; readonly by: number }
  | { readonly kind: 'union'; readonly steps: readonly Step[] }
  | { readonly kind: 'filter'; readonly left: readonly Step[]; readonly op: string; readonly right: Json | readonly Step[] | undefined };

export interface JsonPath {
  /** Every value the path leads to, in document order. */
  find(value: Json): Json[];
}

/** Parses `.spec.ports[0].port`, `.status.conditions[?(@.type=="Ready")].status`, …; undefined when it is none. */
export function parseJsonPath(text: string): JsonPath | undefined {
  let source = text.trim();
  if (source.startsWith('{') && source.endsWith('}')) source = source.slice(1, -1);
  if (source.startsWith('$') || source.startsWith('@')) source = source.slice(1);
  const steps = parseSteps(source);
  return steps && { find: value => evaluate([value], steps) };
}

function parseSteps(source: string): Step[] | undefined {
  const steps: Step[] = [];
  let rest = source;
  while (rest !== '') {
    const descend = /^\.\./.exec(rest);
    if (descend) {
      steps.push({ kind: 'descend' });
      rest = rest[2] === '[' ? rest.slice(2) : `.${rest.slice(2)}`;
      continue;
    }
    const field = /^\.((?:\\.|[^.[\]\\])+)/.exec(rest);
    if (field?.[1] !== undefined) {
      const name = field[1].replace(/\\(.)/g, '$1');
      steps.push(name === '*' ? { kind: 'wildcard' } : { kind: 'field', name });
      rest = rest.slice(field[0].length);
      continue;
    }
    const end = closing(rest);
    if (end < 0) return rest === '.' ? steps : undefined;
    const step = parseBracket(rest.slice(1, end).trim());
    if (!step) return undefined;
    steps.push(step);
    rest = rest.slice(end + 1);
  }
  return steps;
}

/** Where the bracket that `text` begins with closes; -1 when it does not begin with one. */
function closing(text: string): number {
  if (!text.startsWith('[')) return -1;
  let depth = 0;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? '';
    if (quote) {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '[') depth++;
    else if (c === ']' && --depth === 0) return i;
  }
  return -1;
}

const number = (s: string | undefined): number | undefined => (s ? Number(s) : undefined);

function parseBracket(inside: string): Step | undefined {
  if (inside === '*') return { kind: 'wildcard' };
  const filter = /^\?\((.*)\)$/s.exec(inside);
  if (filter) return parseFilter(filter[1] ?? '');
  const quoted = /^'((?:\\.|[^'])*)'$|^"((?:\\.|[^"])*)"$/.exec(inside);
  if (quoted) return { kind: 'field', name: (quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/g, '$1') };
  if (inside.includes(',')) {
    const steps = inside.split(',').map(part => parseBracket(part.trim()));
    return steps.every(s => s !== undefined) ? { kind: 'union', steps } : undefined;
  }
  const slice = /^(-?\d*)(?::(-?\d*))?(?::(\d*))?$/.exec(inside);
  if (!slice || inside === '') return undefined;
  const from = number(slice[1]);
  if (!inside.includes(':')) return { kind: 'slice', from, to: from === -1 ? undefined : (from ?? 0) + 1, by: 1 };
  return { kind: 'slice', from, to: number(slice[2]), by: Math.max(1, number(slice[3]) ?? 1) };
}

function parseFilter(text: string): Step | undefined {
  const m = /^\s*@((?:[^=!<>]|\[[^\]]*\])*?)\s*(?:(==|!=|<=|>=|<|>)\s*([\s\S]+?))?\s*$/.exec(text);
  if (!m) return undefined;
  const left = parseSteps(m[1] ?? '');
  if (!left) return undefined;
  if (!m[2]) return { kind: 'filter', left, op: 'exists', right: undefined };
  const literal = m[3] ?? '';
  const string = /^'(.*)'$|^"(.*)"$/s.exec(literal);
  let right: Json | readonly Step[] | undefined;
  if (string) right = string[1] ?? string[2] ?? '';
  else if (literal === 'true' || literal === 'false') right = literal === 'true';
  else if (/^-?\d+(\.\d+)?$/.test(literal)) right = Number(literal);
  else if (literal.startsWith('@') || literal.startsWith('.')) right = parseSteps(literal.replace(/^@/, ''));
  return right === undefined ? undefined : { kind: 'filter', left, op: m[2], right };
}

function evaluate(values: readonly Json[], steps: readonly Step[]): Json[] {
  let current = [...values];
  for (const step of steps) current = current.flatMap(value => next(value, step));
  return current;
}

function next(value: Json, step: Step): Json[] {
  switch (step.kind) {
    case 'field': {
      const found = isObject(value) && Object.hasOwn(value, step.name) ? value[step.name] : undefined;
      return found === undefined ? [] : [found];
    }
    case 'wildcard':
      return Array.isArray(value) ? value : isObject(value) ? Object.values(value).filter(v => v !== undefined) : [];
    case 'descend':
      return everything(value);
    case 'union':
      return step.steps.flatMap(s => next(value, s));
    case 'slice': {
      if (!Array.isArray(value)) return [];
      const at = (i: number | undefined, fallback: number) => (i === undefined ? fallback : i < 0 ? i + value.length : i);
      return value.slice(Math.max(0, at(step.from, 0)), Math.max(0, at(step.to, value.length))).filter((_, i) => i % step.by === 0);
    }
    case 'filter':
      return (Array.isArray(value) ? value : []).filter(item => passes(item, step));
  }
}

function everything(value: Json): Json[] {
  const below = next(value, { kind: 'wildcard' });
  return [value, ...below.flatMap(everything)];
}

/** The right side of a filter can be a path of its own. */
const isSteps = (value: Json | readonly Step[] | undefined): value is readonly Step[] =>
  Array.isArray(value) && value.every(s => typeof s === 'object' && s !== null && 'kind' in s);

function passes(item: Json, { left, op, right }: Extract<Step, { kind: 'filter' }>): boolean {
  const [a] = evaluate([item], left);
  if (op === 'exists') return a !== undefined;
  const b = isSteps(right) ? evaluate([item], right)[0] : right;
  if (op === '==') return equal(a, b);
  if (op === '!=') return a !== undefined && !equal(a, b);
  if (a === undefined || b === undefined || a === null || b === null || typeof a !== typeof b) return false;
  return op === '<' ? a < b : op === '>' ? a > b : op === '<=' ? a <= b : a >= b;
}
