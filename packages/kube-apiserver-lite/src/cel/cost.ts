import type { ASTNode } from '@marcbachmann/cel-js';
import type { SchemaNode } from '../schema/node.ts';
import { escapeName } from './values.ts';

/**
 * What a rule can cost at most, estimated like cel-go's checker with Kubernetes' figures: one for every access and call,
 * a tenth for every byte of a string that is walked, everything inside a comprehension times the longest its list can be.
 */

/** The largest request the API server reads: what is not bounded by the schema is bounded by this. */
const maxRequest = 3 * 1024 * 1024;
/** Of one expression. */
export const ruleBudget = 10_000_000;
/** Of all expressions of a schema. */
export const schemaBudget = 100_000_000;
const traversal = 0.1;
const regex = 0.25;

/** What is known about a value: how long it can be, and its schema. */
interface Known {
  readonly size: number;
  readonly node?: SchemaNode | undefined;
  readonly item?: Known | undefined;
}
interface Estimate {
  readonly cost: number;
  readonly known: Known;
}
type Scope = ReadonlyMap<string, Known>;
const one: Known = { size: 1 };
const unbounded: Known = { size: Number.POSITIVE_INFINITY };

/** The fewest bytes a value of the schema takes in JSON. */
export function minSize(node: SchemaNode, depth = 0): number {
  if (depth > 32) return 1;
  switch (node.type) {
    case 'boolean':
      return 4;
    case 'string':
    case 'array':
      return 2;
    case 'object':
      return node.required.reduce((sum, name) => {
        const child = node.properties.get(name);
        return sum + name.length + 4 + (child && child.default === undefined ? minSize(child, depth + 1) : 1);
      }, 2);
    default:
      return 1;
  }
}

/** The most items a list or map, or bytes a string, of the schema can have. */
export function maxSize(node: SchemaNode): number {
  const { checks } = node;
  switch (node.type) {
    case 'array':
      return checks?.maxItems ?? Math.floor(maxRequest / ((node.items ? minSize(node.items) : 1) + 1));
    case 'object':
      return node.additional ? (checks?.maxProperties ?? Math.floor((maxRequest - 2) / (minSize(node.additional) + 6))) : 1;
    case 'string':
      if (checks?.maxLength !== undefined) return checks.maxLength * (node.format === 'byte' ? 1 : 4);
      if (checks?.enum) return Math.max(0, ...checks.enum.map(e => (typeof e === 'string' ? Buffer.byteLength(e) : 0)));
      if (node.format === 'date') return 10;
      if (node.format === 'date-time') return 32;
      return node.format === 'duration' ? 32 : maxRequest - 2;
    default:
      return node.intOrString ? maxRequest - 2 : 1;
  }
}

const about = (node: SchemaNode | undefined): Known => {
  if (!node) return one;
  const item = node.items ?? node.additional;
  return { size: maxSize(node), node, item: item && { size: maxSize(item), node: item } };
};
const itemOf = (known: Known): Known => known.item ?? about(known.node?.items ?? known.node?.additional);

/** How often a schema's place can occur in one object: the product of the lists and maps around it. */
export function cardinality(outer: number, node: SchemaNode): number {
  return outer * maxSize(node);
}
/** When a list around is not bounded, the request's size is. */
export const requestCardinality = (node: SchemaNode): number => maxRequest / Math.max(1, minSize(node));

/** The largest cost of an expression whose `self` (and `oldSelf`) is of this schema. */
export function estimate(ast: ASTNode, self: SchemaNode): number {
  const scope = new Map([
    ['self', about(self)],
    ['oldSelf', about(self)],
  ]);
  return visit(ast, scope).cost;
}

const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

function visit(ast: ASTNode, scope: Scope): Estimate {
  switch (ast.op) {
    case 'value': {
      const value = ast.args;
      return { cost: 0, known: { size: typeof value === 'string' ? Buffer.byteLength(value) : 1 } };
    }
    case 'id':
      return { cost: 1, known: scope.get(ast.args) ?? one };
    case '.':
    case '.?': {
      const of = visit(ast.args[0], scope);
      return { cost: of.cost + 1, known: member(of.known, ast.args[1]) };
    }
    case '[]':
    case '[?]': {
      const of = visit(ast.args[0], scope);
      return { cost: of.cost + visit(ast.args[1], scope).cost + 1, known: itemOf(of.known) };
    }
    case 'list': {
      const items = ast.args.map(a => visit(a, scope));
      return { cost: sum(items) + 10, known: { size: items.length, item: largest(items) } };
    }
    case 'map': {
      const entries = ast.args.flatMap(([k, v]) => [visit(k, scope), visit(v, scope)]);
      return { cost: sum(entries) + 30, known: { size: ast.args.length, item: largest(entries) } };
    }
    case '?:': {
      const [condition, yes, no] = ast.args.map(a => visit(a, scope)) as [Estimate, Estimate, Estimate];
      return { cost: condition.cost + Math.max(yes.cost, no.cost), known: yes.known.size >= no.known.size ? yes.known : no.known };
    }
    case '||':
    case '&&':
      return { cost: visit(ast.args[0], scope).cost + visit(ast.args[1], scope).cost, known: one };
    case '!_':
    case '-_':
      return { cost: visit(ast.args, scope).cost + 1, known: one };
    case 'call':
      return call(ast.args[0], undefined, ast.args[1], scope);
    case 'rcall':
      return call(ast.args[0], ast.args[1], ast.args[2], scope);
    default:
      return operator(ast.op, visit(ast.args[0], scope), visit(ast.args[1], scope));
  }
}

const sum = (list: readonly Estimate[]): number => list.reduce((n, e) => n + e.cost, 0);
const largest = (list: readonly Estimate[]): Known | undefined =>
  list.reduce<Known | undefined>((a, b) => (a && a.size >= b.known.size ? a : b.known), undefined);

function member({ node }: Known, name: string): Known {
  if (!node) return one;
  for (const [key, child] of node.properties) if (escapeName(key) === name) return about(child);
  return node.additional ? about(node.additional) : one;
}

function operator(op: string, a: Estimate, b: Estimate): Estimate {
  const cost = a.cost + b.cost;
  const shorter = Math.min(a.known.size, b.known.size);
  if (op === '+') {
    const size = a.known.size + b.known.size;
    return { cost: cost + (a.known.item ? 1 : Math.max(1, size * traversal)), known: { size, item: a.known.item ?? b.known.item } };
  }
  if (op === 'in') return { cost: cost + Math.max(1, b.known.size), known: one };
  if (['==', '!=', '<', '<=', '>', '>='].includes(op)) return { cost: cost + Math.max(1, shorter * traversal), known: one };
  return { cost: cost + 1, known: one };
}

const macros = new Set(['all', 'exists', 'exists_one', 'existsOne', 'map', 'filter', 'transformList', 'transformMap']);

function call(name: string, target: ASTNode | undefined, args: readonly ASTNode[], scope: Scope): Estimate {
  const variable = args[0];
  if (target && macros.has(name) && args.length >= 2 && variable?.op === 'id')
    return comprehension(name, target, variable.args, args.slice(1), scope);
  if (target && (name === 'optMap' || name === 'optFlatMap') && variable?.op === 'id' && args[1]) {
    const value = visit(target, scope);
    const body = visit(args[1], new Map(scope).set(variable.args, value.known));
    return { cost: value.cost + body.cost + 1, known: body.known };
  }
  if (name === 'has' && !target && args[0]) return { cost: visit(args[0], scope).cost, known: one };
  if (name === 'bind' && args.length === 3 && variable?.op === 'id' && args[1] && args[2]) {
    const value = visit(args[1], scope);
    const body = visit(args[2], new Map(scope).set(variable.args, value.known));
    return { cost: value.cost + body.cost + 10, known: body.known };
  }
  const on = target ? visit(target, scope) : undefined;
  const given = args.map(a => visit(a, scope));
  const base = (on?.cost ?? 0) + sum(given);
  const first = on ?? given[0];
  const second = on ? given[0] : given[1];
  const own = functionCost(name, first?.known ?? one, second?.known ?? one);
  return { cost: base + Math.max(1, own.cost), known: own.known };
}

function comprehension(name: string, target: ASTNode, variable: string, bodies: readonly ASTNode[], scope: Scope): Estimate {
  const range = visit(target, scope);
  const key = { size: maxRequest - 2 };
  const map = range.known.node?.additional !== undefined;
  const second = name === 'map' || name === 'filter' || bodies.length < 2 || bodies[0]?.op !== 'id' ? undefined : bodies[0].args;
  const inner = new Map(scope).set(variable, map ? key : second === undefined ? itemOf(range.known) : one);
  if (second !== undefined) inner.set(second, itemOf(range.known));
  const steps = (second === undefined ? bodies : bodies.slice(1)).map(b => visit(b, inner));
  const builds = name === 'map' || name === 'filter' || name.startsWith('transform');
  const overhead = builds ? 14 : 3;
  const result =
    name === 'map' || name === 'transformList'
      ? { size: range.known.size, item: steps.at(-1)?.known }
      : name === 'filter'
        ? range.known
        : one;
  return { cost: range.cost + times(range.known.size, sum(steps) + overhead) + 1, known: result };
}

const same = new Set(['lowerAscii', 'upperAscii', 'trim', 'substring', 'reverse', 'charAt']);
const walks = new Set([
  'isIP',
  'ip',
  'isCIDR',
  'cidr',
  'isURL',
  'url',
  'isQuantity',
  'quantity',
  'isSemver',
  'semver',
  'containsIP',
  'containsCIDR',
  'isCanonical',
  'timestamp',
  'duration',
  'bytes',
  'validate',
]);

function functionCost(name: string, a: Known, b: Known): Estimate {
  const walk = Math.ceil(a.size * traversal);
  if (name === 'contains') return { cost: times(a.size * traversal, Math.max(1, b.size * traversal)), known: one };
  if (name === 'startsWith' || name === 'endsWith') return { cost: b.size * traversal, known: one };
  if (name === 'matches') return { cost: times((a.size + 1) * traversal, b.size * regex), known: one };
  if (name === 'find' || name === 'findAll')
    return { cost: times((a.size + 1) * traversal, b.size * regex), known: name === 'find' ? a : { size: a.size, item: a } };
  if (name === 'split') return { cost: walk, known: { size: a.size, item: a } };
  if (name === 'replace') return { cost: walk, known: { size: times(a.size, Math.max(1, b.size)) } };
  if (name === 'join') return { cost: times(a.size, (a.item?.size ?? 1) * traversal), known: { size: times(a.size, a.item?.size ?? 1) } };
  if (name === 'isSorted' || name === 'sum' || name === 'min' || name === 'max' || name === 'indexOf' || name === 'lastIndexOf') {
    return { cost: a.item ? times(a.size, Math.max(1, (a.item.size || 1) * traversal)) : walk, known: a.item ?? one };
  }
  if (name === 'equivalent' || name === 'intersects') return { cost: times(b.size, b.size), known: one };
  if (same.has(name)) return { cost: walk, known: a };
  if (walks.has(name)) return { cost: walk, known: a };
  // The length of what string() makes is not known to the estimator, so using it in a concatenation is unaffordable.
  if (name === 'string' || name === 'format' || name === 'encode') return { cost: 1, known: unbounded };
  if (name === 'orValue' || name === 'value' || name === 'or' || name === 'of' || name === 'dyn') return { cost: 1, known: a };
  return { cost: 1, known: one };
}

/** `estimated rule cost exceeds budget by factor of …`, in the API server's words. */
export function costMessage(what: string, cost: number, budget: number): string {
  const factor = cost / budget;
  const text = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${text} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
