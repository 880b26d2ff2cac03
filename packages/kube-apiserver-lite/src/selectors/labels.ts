import { labelValue, qualifiedName } from '../names.ts';
import { isObject, type Json, type JsonObject, show } from '../schema/json.ts';

/** A parsed text or the real server's message for it (400 BadRequest). */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };
type Labels = { readonly [key: string]: Json | undefined };

export interface LabelSelector {
  /** Selects everything. */
  readonly empty: boolean;
  matches(labels: Labels | undefined): boolean;
}
type Operator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';
interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

class SelectorError extends Error {}

const special = new Set(['=', '!', '(', ')', ',', '>', '<']);
const operators = new Set(['=', '==', '!=', '(', ')', ',', '!', '>', '<']);

interface Token {
  readonly kind: 'end' | 'identifier' | 'symbol';
  readonly text: string;
}

/** Splits as `k8s.io/apimachinery/pkg/labels` does: blanks apart, the longest operator, everything else an identifier. */
function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let i = 0;
  while (i < text.length) {
    const c = text[i] ?? '';
    if (/[ \t\r\n]/.test(c)) i++;
    else if (special.has(c)) {
      let symbol = c;
      while (
        i + symbol.length < text.length &&
        special.has(text[i + symbol.length] ?? '') &&
        operators.has(symbol + text[i + symbol.length])
      ) {
        symbol += text[i + symbol.length];
      }
      tokens.push({ kind: 'symbol', text: symbol });
      i += symbol.length;
    } else {
      let end = i;
      while (end < text.length && !special.has(text[end] ?? '') && !/[ \t\r\n]/.test(text[end] ?? '')) end++;
      tokens.push({ kind: 'identifier', text: text.slice(i, end) });
      i = end;
    }
  }
  tokens.push({ kind: 'end', text: '' });
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    for (;;) {
      const token = this.#peek();
      if (token.kind === 'identifier' || token.text === '!') {
        requirements.push(this.#requirement());
        const next = this.#next();
        if (next.kind === 'end') return requirements;
        if (next.text !== ',') throw new SelectorError(`found '${next.text}', expected: ',' or 'end of string'`);
        const after = this.#peek();
        if (after.kind !== 'identifier' && after.text !== '!')
          throw new SelectorError(`found '${after.text}', expected: identifier after ','`);
      } else if (token.kind === 'end') return requirements;
      else throw new SelectorError(`found '${token.text}', expected: !, identifier, or 'end of string'`);
    }
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '' };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #requirement(): Requirement {
    let negated = false;
    if (this.#peek().text === '!') {
      negated = true;
      this.#at++;
    }
    const token = this.#next();
    if (token.kind !== 'identifier') throw new SelectorError(`unable to parse requirement: found '${token.text}', expected: identifier`);
    const key = token.text;
    checkKey(key);
    const after = this.#peek();
    // After `!key` nothing but the end or a comma may follow, which the caller sees to.
    if (negated) return { key, operator: '!', values: [] };
    if (after.kind === 'end' || after.text === ',') return { key, operator: 'exists', values: [] };
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#value()];
    checkValues(key, operator, values);
    return { key, operator, values };
  }

  #operator(): Operator {
    const { text } = this.#next();
    if (text === '=' || text === '==' || text === '!=' || text === 'in' || text === 'notin') return text;
    if (text === '>') return 'gt';
    if (text === '<') return 'lt';
    throw new SelectorError(`unable to parse requirement: found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
  }

  #value(): string {
    const token = this.#peek();
    if (token.kind === 'end' || token.text === ',') return '';
    this.#at++;
    if (token.kind === 'identifier') return token.text;
    throw new SelectorError(`unable to parse requirement: found '${token.text}', expected: identifier`);
  }

  #values(): string[] {
    const open = this.#next();
    if (open.text !== '(') throw new SelectorError(`unable to parse requirement: found '${open.text}' expected: '('`);
    const values: string[] = [];
    if (this.#peek().text === ')') {
      this.#at++;
      return [''];
    }
    for (;;) {
      const token = this.#next();
      if (token.kind === 'identifier') {
        values.push(token.text);
        const next = this.#next();
        if (next.text === ')') return values;
        if (next.text !== ',') throw new SelectorError(`unable to parse requirement: found '${next.text}', expected: ',' or ')'`);
        if (this.#peek().text === ')') {
          this.#at++;
          values.push('');
          return values;
        }
      } else if (token.text === ',') {
        if (values.length === 0) values.push('');
        if (this.#peek().text === ')') {
          this.#at++;
          values.push('');
          return values;
        }
        if (this.#peek().text === ',') values.push('');
      } else throw new SelectorError(`unable to parse requirement: found '${token.text}', expected: ',', or identifier`);
    }
  }
}

function checkKey(key: string): void {
  const errors = qualifiedName(key);
  if (errors.length) throw new SelectorError(`unable to parse requirement: ${invalidText('key', key, errors.join('; '))}`);
}

const invalidText = (field: string, value: string, detail: string) => `${field}: Invalid value: ${JSON.stringify(value)}: ${detail}`;

function checkValues(key: string, operator: Operator, values: readonly string[]): void {
  const problems: string[] = [];
  if (operator === 'gt' || operator === 'lt') {
    values.forEach((v, i) => {
      if (!/^[+-]?\d+$/.test(v)) problems.push(invalidText(`values[${i}]`, v, "for 'Gt', 'Lt' operators, the value must be an integer"));
    });
  }
  values.forEach((v, i) => {
    const errors = labelValue(v);
    if (errors.length) problems.push(invalidText(`values[${i}][${key}]`, v, errors.join('; ')));
  });
  if (problems.length)
    throw new SelectorError(`unable to parse requirement: ${problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`}`);
}

function satisfied({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  const has = typeof value === 'string';
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return has && values.includes(value);
    case '!=':
    case 'notin':
      return !has || !values.includes(value);
    case 'exists':
      return has;
    case '!':
      return !has;
    case 'gt':
    case 'lt': {
      if (!has || !/^[+-]?\d+$/.test(value)) return false;
      const bound = BigInt((values[0] ?? '0').replace('+', ''));
      const number = BigInt(value.replace('+', ''));
      return operator === 'gt' ? number > bound : number < bound;
    }
  }
}

function selector(requirements: readonly Requirement[]): LabelSelector {
  return {
    empty: requirements.length === 0,
    matches: labels => requirements.every(r => satisfied(r, labels ?? {})),
  };
}

/** Parses `labelSelector`; a message is the real server's (400 BadRequest). */
export function parseLabelSelector(text: string): Parsed<LabelSelector> {
  try {
    return { ok: true, value: selector(new Parser(text).parse()) };
  } catch (error) {
    if (error instanceof SelectorError) return { ok: false, message: error.message };
    throw error;
  }
}

const operatorsOf: Record<string, Operator> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

/** A metav1.LabelSelector (`matchLabels`, `matchExpressions`); the empty one selects everything. */
export function compileLabelSelector(source: JsonObject): Parsed<LabelSelector> {
  const requirements: Requirement[] = [];
  if (isObject(source.matchLabels)) {
    for (const [key, value] of Object.entries(source.matchLabels)) requirements.push({ key, operator: '=', values: [show(value)] });
  }
  for (const e of Array.isArray(source.matchExpressions) ? source.matchExpressions : []) {
    if (!isObject(e)) continue;
    const operator = operatorsOf[show(e.operator)];
    if (!operator) return { ok: false, message: `${JSON.stringify(e.operator)} is not a valid label selector operator` };
    const values = Array.isArray(e.values) ? e.values.map(show) : [];
    if ((operator === 'in' || operator === 'notin') && values.length === 0) {
      return { ok: false, message: "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty" };
    }
    requirements.push({ key: show(e.key), operator, values });
  }
  return { ok: true, value: selector(requirements) };
}
