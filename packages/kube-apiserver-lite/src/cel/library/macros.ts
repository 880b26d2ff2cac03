import { type Environment, Optional, type TypeDeclaration } from '@marcbachmann/cel-js';
import { CelLibraryError } from './error.ts';

/**
 * Macros of cel-go that cel-js does not bring: two-variable comprehensions and `optMap`/`optFlatMap`.
 * A macro hands back how its call is type-checked and run; the shapes below are the engine's, as far as they are used.
 */

interface Node {
  readonly op: string;
  readonly args: unknown;
}
interface Scope {
  forkWithVariable(name: string, type: TypeDeclaration): Scope;
  reuse(outer: Scope): Scope;
  setIterValue(value: unknown, evaluator: Evaluator): Scope;
}
interface Checker {
  check(node: Node, scope: Scope): TypeDeclaration;
  getType(name: string): TypeDeclaration;
  createError(code: string, message: string, node: Node): Error;
}
interface Evaluator {
  run(node: Node, scope: Scope): unknown;
}
interface Call {
  readonly args: readonly Node[];
  readonly receiver: Node;
}
interface Plan {
  inner?: Scope;
  outer?: Scope;
}

function variable(node: Node | undefined, checker: Checker): string {
  if (node?.op === 'id' && typeof node.args === 'string') return node.args;
  throw checker.createError('invalid_macro_argument', 'argument is not an identifier', node ?? { op: '', args: '' });
}

/** Index (or key) and value of every item. */
function entries(value: unknown): [unknown, unknown][] {
  if (Array.isArray(value)) return value.map((v, i): [unknown, unknown] => [BigInt(i), v]);
  if (value instanceof Map) return [...value];
  if (typeof value === 'object' && value !== null) return Object.entries(value);
  throw new CelLibraryError('no such overload: comprehension over something that is neither a list nor a map');
}

/** A macro over pairs; `bodies`: how many expressions follow the two variables. */
function pairs(
  bodies: number,
  result: (checker: Checker, body: TypeDeclaration) => TypeDeclaration,
  run: (items: [unknown, unknown][], at: (body: number, item: [unknown, unknown]) => unknown) => unknown,
) {
  return ({ args, receiver }: Call) => {
    const plan: Plan = {};
    return {
      async: false,
      typeCheck(checker: Checker, _: unknown, scope: Scope): TypeDeclaration {
        const range = checker.check(receiver, scope);
        const list = range.kind === 'list';
        const dyn = checker.getType('dyn');
        plan.outer = scope.forkWithVariable(variable(args[0], checker), list ? checker.getType('int') : (range.keyType ?? dyn));
        plan.inner = plan.outer.forkWithVariable(variable(args[1], checker), range.valueType ?? dyn);
        let type = dyn;
        for (let i = 0; i < bodies; i++) type = checker.check(args[2 + i] as Node, plan.inner);
        return result(checker, type);
      },
      evaluate(evaluator: Evaluator, _: unknown, scope: Scope): unknown {
        const { inner, outer } = plan;
        if (!inner || !outer) throw new CelLibraryError('a macro ran before it was checked');
        const at = (body: number, [key, value]: [unknown, unknown]) =>
          evaluator.run(
            args[2 + body] as Node,
            inner.reuse(outer.reuse(scope).setIterValue(key, evaluator)).setIterValue(value, evaluator),
          );
        return run(entries(evaluator.run(receiver, scope)), at);
      },
    };
  };
}

/** `opt.optMap(v, expr)`: the expression of the value, when there is one. */
function optional(flat: boolean) {
  return ({ args, receiver }: Call) => {
    const plan: Plan = {};
    return {
      async: false,
      typeCheck(checker: Checker, _: unknown, scope: Scope): TypeDeclaration {
        const of = checker.check(receiver, scope);
        plan.inner = scope.forkWithVariable(variable(args[0], checker), of.valueType ?? checker.getType('dyn'));
        const body = checker.check(args[1] as Node, plan.inner);
        return flat ? body : checker.getType(`optional<${body.toString()}>`);
      },
      evaluate(evaluator: Evaluator, _: unknown, scope: Scope): unknown {
        const value = evaluator.run(receiver, scope);
        if (!(value instanceof Optional) || !plan.inner)
          throw new CelLibraryError('no such overload: optMap() of something that is not optional');
        if (!value.hasValue()) return value;
        const mapped = evaluator.run(args[1] as Node, plan.inner.reuse(scope).setIterValue(value.value(), evaluator));
        return flat ? mapped : Optional.of(mapped);
      },
    };
  };
}

const bool = (checker: Checker): TypeDeclaration => checker.getType('bool');

const listOf = (checker: Checker, body: TypeDeclaration) => checker.getType(`list<${body.toString()}>`);

const mapOf = (checker: Checker) => checker.getType('map<dyn, dyn>');

const toMap = (items: [unknown, unknown][], value: (item: [unknown, unknown]) => unknown) =>
  Object.fromEntries(items.map(item => [`${item[0] as string | bigint}`, value(item)]));

/** Adds the macros to an environment. */
export function registerMacros(env: Environment): void {
  const macro = (signature: string, handler: unknown) => env.registerFunction(signature, handler as (...args: unknown[]) => unknown);
  macro(
    'list.all(ast, ast, ast): bool',
    pairs(1, bool, (items, at) => items.every(item => at(0, item) === true)),
  );
  macro(
    'list.exists(ast, ast, ast): bool',
    pairs(1, bool, (items, at) => items.some(item => at(0, item) === true)),
  );
  macro(
    'list.existsOne(ast, ast, ast): bool',
    pairs(1, bool, (items, at) => items.filter(item => at(0, item) === true).length === 1),
  );
  macro(
    'list.exists_one(ast, ast, ast): bool',
    pairs(1, bool, (items, at) => items.filter(item => at(0, item) === true).length === 1),
  );
  macro(
    'list.transformList(ast, ast, ast): list<dyn>',
    pairs(1, listOf, (items, at) => items.map(item => at(0, item))),
  );
  macro(
    'list.transformList(ast, ast, ast, ast): list<dyn>',
    pairs(2, listOf, (items, at) => items.filter(item => at(0, item) === true).map(item => at(1, item))),
  );
  macro(
    'list.transformMap(ast, ast, ast): map<dyn, dyn>',
    pairs(1, mapOf, (items, at) => toMap(items, item => at(0, item))),
  );
  macro(
    'list.transformMap(ast, ast, ast, ast): map<dyn, dyn>',
    pairs(2, mapOf, (items, at) =>
      toMap(
        items.filter(item => at(0, item) === true),
        item => at(1, item),
      ),
    ),
  );
  macro('optional<dyn>.optMap(ast, ast): optional<dyn>', optional(false));
  macro('optional<dyn>.optFlatMap(ast, ast): optional<dyn>', optional(true));
}
