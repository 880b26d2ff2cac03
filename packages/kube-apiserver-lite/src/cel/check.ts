import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { type Cause, forbidden, invalid, notSupported, required } from '../errors.ts';
import { compileSchema } from '../schema/compile.ts';
import { embed } from '../schema/custom.ts';
import type { JsonObject } from '../schema/json.ts';
import type { SchemaNode, ValidationRule } from '../schema/node.ts';
import { cardinality, costMessage, estimate, requestCardinality, ruleBudget, schemaBudget } from './cost.ts';
import { CheckingEnvironment, isFunction } from './environment.ts';
import { compileError, locate, ruleValue } from './messages.ts';

/** What is wrong with the rules of a CRD version's schema, in the real server's words; `path` is the schema's. */
export function checkRules(schema: JsonObject, path: string): Cause[] {
  const checker = new Checker(path);
  checker.walk(embed(compileSchema(schema)), path, 1, undefined, true);
  return checker.finish();
}

interface Costly {
  readonly path: string;
  readonly cost: number;
}
const reasons = ['FieldValueInvalid', 'FieldValueForbidden', 'FieldValueRequired', 'FieldValueDuplicate'];
const maxRules = 10_000;

class Checker {
  readonly #causes: Cause[] = [];
  readonly #environment = new CheckingEnvironment();
  readonly #root: string;
  #total = 0;
  #count = 0;
  #costly: Costly[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Children first, as the real server walks. `times`: how often the place can occur, undefined when a list around is
   * not bounded. `uncorrelated`: the list above whose items have no counterpart in the old object.
   */
  walk(node: SchemaNode, path: string, times: number | undefined, uncorrelated: string | undefined, root = false): void {
    for (const [name, child] of node.properties) {
      if (root && (name === 'metadata' || name === 'apiVersion' || name === 'kind')) continue;
      this.walk(child, `${path}.properties[${name}]`, times, uncorrelated);
    }
    const bounded = (limit: number | undefined) => (times === undefined || limit === undefined ? undefined : cardinality(times, node));
    if (node.additional) this.walk(node.additional, `${path}.additionalProperties`, bounded(node.checks?.maxProperties), uncorrelated);
    if (node.items) {
      this.walk(node.items, `${path}.items`, bounded(node.checks?.maxItems), uncorrelated ?? (node.listType === 'map' ? undefined : path));
    }
    node.rules.forEach((rule, i) => this.#rule(rule, node, `${path}.x-kubernetes-validations[${i}]`, times, uncorrelated));
  }

  finish(): Cause[] {
    if (this.#total > schemaBudget) {
      for (const { path } of this.#costly)
        this.#causes.push(forbidden(path, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'));
      this.#causes.push(
        forbidden(
          this.#root,
          costMessage('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', this.#total, schemaBudget),
        ),
      );
    }
    return this.#causes;
  }

  #rule(rule: ValidationRule, node: SchemaNode, path: string, times: number | undefined, uncorrelated: string | undefined): void {
    if (this.#count++ > maxRules) return;
    if (typeof rule.rule !== 'string' || rule.rule.trim() === '') {
      this.#causes.push(required(`${path}.rule`, 'rule is not specified'));
      return;
    }
    this.#shape(rule, node, path);
    const environment = this.#environment.at(node, rule.optionalOldSelf === true ? 'optional' : 'same');
    const ast = this.#compile(environment, rule, rule.rule, 'bool', `${path}.rule`);
    if (ast) {
      if (uncorrelated !== undefined && mentions(ast, 'oldSelf')) {
        this.#causes.push(
          badRule(`${path}.rule`, rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`),
        );
      }
      this.#charge('estimated rule cost', estimate(ast, node), node, times, `${path}.rule`);
    }
    if (rule.messageExpression !== undefined && rule.messageExpression !== '') {
      const message = this.#compile(environment, rule, rule.messageExpression, 'string', `${path}.messageExpression`);
      if (message) this.#charge('estimated messageExpression cost', estimate(message, node), node, times, `${path}.messageExpression`);
    }
  }

  #shape(rule: ValidationRule, node: SchemaNode, path: string): void {
    if (rule.message?.includes('\n')) this.#causes.push(invalid(`${path}.message`, rule.message, 'message must not contain line breaks'));
    if (rule.rule.includes('\n') && !rule.message && !rule.messageExpression) {
      this.#causes.push(required(`${path}.message`, 'message must be specified if rule contains line breaks'));
    }
    if (rule.reason !== undefined && !reasons.includes(rule.reason))
      this.#causes.push(notSupported(`${path}.reason`, rule.reason, reasons));
    if (rule.fieldPath !== undefined && rule.fieldPath !== '') {
      const problem = fieldPathProblem(rule.fieldPath, node);
      if (problem) this.#causes.push(invalid(`${path}.fieldPath`, rule.fieldPath, problem));
    }
  }

  #compile(environment: Environment, rule: ValidationRule, source: string, type: 'bool' | 'string', path: string): ASTNode | undefined {
    const isRule = type === 'bool';
    try {
      const parsed = environment.parse(source);
      const checked = parsed.check();
      const failure = checked.valid ? undefined : checked.error;
      if (failure) {
        this.#causes.push(
          badRule(path, rule, `${isRule ? '' : 'messageExpression '}compilation failed: ${compileError(source, failure, isFunction)}`),
        );
        return undefined;
      }
      const missing = undeclaredTest(parsed.ast, environment);
      if (missing) {
        this.#causes.push(
          badRule(
            path,
            rule,
            `${isRule ? '' : 'messageExpression '}compilation failed: ${locate(source, missing.at, `undefined field '${missing.field}'`)}`,
          ),
        );
        return undefined;
      }
      if (checked.type !== type && checked.type !== 'dyn') {
        this.#causes.push(
          badRule(path, rule, isRule ? 'cel expression must evaluate to a bool' : 'messageExpression must evaluate to a string'),
        );
        return undefined;
      }
      return parsed.ast;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#causes.push(
        badRule(path, rule, `${isRule ? '' : 'messageExpression '}compilation failed: ${compileError(source, error, isFunction)}`),
      );
      return undefined;
    }
  }

  #charge(what: string, cost: number, node: SchemaNode, times: number | undefined, path: string): void {
    const all = cost * (times ?? requestCardinality(node));
    if (all > ruleBudget) this.#causes.push(forbidden(path, costMessage(what, all, ruleBudget)));
    this.#total += all;
    if (all < schemaBudget / 100) return;
    this.#costly = [...this.#costly, { path, cost: all }].toSorted((a, b) => b.cost - a.cost).slice(0, 4);
  }
}

const badRule = (path: string, rule: ValidationRule, detail: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${ruleValue(rule)}: ${detail}`,
  field: path,
});

/** Every node of an expression. */
function* nodes(ast: ASTNode): Generator<ASTNode> {
  yield ast;
  const below = (value: unknown): ASTNode[] =>
    Array.isArray(value) ? value.flatMap(below) : value !== null && typeof value === 'object' && 'op' in value ? [value as ASTNode] : [];
  for (const child of below(ast.args)) yield* nodes(child);
}

function mentions(ast: ASTNode, name: string): boolean {
  for (const node of nodes(ast)) if (node.op === 'id' && node.args === name) return true;
  return false;
}

/** `has(self.x)` of a field that is not declared: cel-js does not look into has(), cel-go does. Only paths from `self` are followed. */
function undeclaredTest(ast: ASTNode, environment: Environment): { field: string; at: number } | undefined {
  for (const node of nodes(ast)) {
    if (node.op !== 'call' || node.args[0] !== 'has') continue;
    const target = node.args[1][0];
    if (target?.op !== '.' || !/^(?:self|oldSelf)(?:\.\w+)+$/.test(target.input.slice(target.start, target.end))) continue;
    const checked = environment.check(target.input.slice(target.start, target.end));
    if (!checked.valid && /No such key/.test(checked.error?.message ?? ''))
      return { field: target.args[1], at: target.input.lastIndexOf('.', target.end) };
  }
  return undefined;
}

/** A fieldPath leads from the rule's place to a declared field: `.a.b`, `['a']`, `.list` (not into lists). */
function fieldPathProblem(fieldPath: string, node: SchemaNode): string | undefined {
  let at: SchemaNode | undefined = node;
  for (const step of parseFieldPath(fieldPath) ?? []) {
    at = at?.properties.get(step) ?? at?.additional;
    if (!at) return `fieldPath must be a valid path: does not refer to a valid field`;
  }
  return parseFieldPath(fieldPath) ? undefined : 'fieldPath must be a valid path: expected . or [';
}

/** The members a rule's `fieldPath` names; undefined when it is no path. */
export function parseFieldPath(text: string): string[] | undefined {
  const steps: string[] = [];
  let rest = text;
  while (rest !== '') {
    const m = /^(?:\.([A-Za-z_][A-Za-z0-9_-]*)|\[(?:'((?:\\.|[^'])*)'|"((?:\\.|[^"])*)")\])/.exec(rest);
    if (!m) return undefined;
    steps.push((m[1] ?? m[2] ?? m[3] ?? '').replace(/\\(.)/g, '$1'));
    rest = rest.slice(m[0].length);
  }
  return steps;
}
