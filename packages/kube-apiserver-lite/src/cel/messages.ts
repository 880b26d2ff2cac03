import type { ValidationRule } from '../schema/node.ts';

/** Compilation errors in cel-go's words, made from what cel-js reports. */

interface Reported {
  readonly name: string;
  readonly code?: string | undefined;
  readonly summary?: string | undefined;
  readonly message: string;
  readonly range?: { readonly start: number; readonly end: number } | undefined;
}

const operatorNames: Record<string, string> = {
  '==': '_==_',
  '!=': '_!=_',
  '<': '_<_',
  '<=': '_<=_',
  '>': '_>_',
  '>=': '_>=_',
  '+': '_+_',
  '-': '_-_',
  '*': '_*_',
  '/': '_/_',
  '%': '_%_',
  in: '@in',
  '&&': '_&&_',
  '||': '_||_',
};
const expected = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/** `ERROR: <input>:1:5: undefined field 'x'`, with the line and a mark under the place. */
export function compileError(source: string, error: Reported, known: (functionName: string) => boolean = () => true): string {
  const summary = error.summary ?? error.message.split('\n')[0] ?? '';
  let at = error.range?.start ?? 0;
  let text = summary;
  const key = /^No such key: (.*)$/s.exec(summary)?.[1];
  const variable = /^Unknown variable: (.*)$/s.exec(summary)?.[1];
  const binary = /^no such overload: (.+?) (==|!=|<=|>=|<|>|\+|-|\*|\/|%|in|&&|\|\|) (.+)$/s.exec(summary);
  const method = /^found no matching overload for '(?:([^']*?)\.)?([A-Za-z_]\w*)\((.*)\)'$/s.exec(summary);
  const token = /^Unexpected (?:token|character): (.*)$/s.exec(summary)?.[1];
  if (key !== undefined) {
    text = `undefined field '${key}'`;
    at = Math.max(0, source.lastIndexOf('.', at));
  } else if (variable !== undefined) text = `undeclared reference to '${variable}' (in container '')`;
  else if (binary) {
    const [, left = '', op = '', right = ''] = binary;
    text = `found no matching overload for '${operatorNames[op] ?? op}' applied to '(${celType(left)}, ${celType(right)})'`;
    at = operatorOffset(source, error.range, op);
  } else if (method) {
    const [, receiver, name = '', args = ''] = method;
    const list = args === '' ? '' : args.split(', ').map(celType).join(', ');
    text = !known(name)
      ? `undeclared reference to '${name}' (in container '')`
      : `found no matching overload for '${name}' applied to '${receiver === undefined ? '' : `${celType(receiver)}.`}(${list})'`;
    const paren = source.indexOf('(', source.indexOf(name, at));
    if (paren >= 0) at = paren;
  } else if (token !== undefined || error.name === 'ParseError') {
    const eof = token === 'EOF' || at >= source.length;
    const found = eof ? '<EOF>' : (source[at] ?? '');
    text = eof
      ? `Syntax error: mismatched input '<EOF>' expecting ${expected}`
      : `Syntax error: extraneous input '${found}' expecting ${expected}`;
    if (eof) at = source.length;
  }
  return locate(source, at, text);
}

/** The error at an offset of a source, as cel-go shows it. */
export function locate(source: string, offset: number, text: string): string {
  const before = source.slice(0, offset);
  const line = before.split('\n').length;
  const column = offset - (before.lastIndexOf('\n') + 1);
  const shown = source.split('\n')[line - 1] ?? '';
  return `ERROR: <input>:${line}:${column + 1}: ${text}\n | ${shown}\n | ${'.'.repeat(column)}^`;
}

function operatorOffset(source: string, range: Reported['range'], op: string): number {
  const from = range?.start ?? 0;
  const at = source.slice(from, range?.end).search(new RegExp(`(?<![=!<>])${op.replace(/[*+|/%]/g, '\\$&')}`));
  return at < 0 ? from : from + at;
}

/** cel-go writes type parameters in parentheses, and calls the schema's own types by their place. */
function celType(type: string): string {
  return type
    .trim()
    .replaceAll('<', '(')
    .replaceAll('>', ')')
    .replace(/selfType\d+/g, 'object');
}

/** The rule as Go prints it in the `Invalid value: {…}` of a cause. */
export function ruleValue(rule: ValidationRule): string {
  return goJson({
    Rule: rule.rule ?? '',
    Message: rule.message ?? '',
    MessageExpression: rule.messageExpression ?? '',
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? '',
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  });
}

/** JSON as Go's encoder writes it: `<`, `>` and `&` are escaped. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
