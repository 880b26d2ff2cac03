import { define, type Json, type JsonObject } from '../schema/json.ts';

/** A syntax error in the words of Go's encoding/json. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

/** Deeper than any API object; far below what a recursive walk over the result can stand. */
const MAX_DEPTH = 1000;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// From the space on: control characters are not allowed in a string.
const SIMPLE_STRING = /"([ !#-[\]-\uffff]*)"/y;

/**
 * Parses JSON, remembering the paths of members that were given twice (`spec.ports[0].name`): the last one wins, as in Go, and strict
 * field validation reports them.
 */
export function parseJson(text: string): { value: Json; duplicates: string[] } {
  const parser = new Parser(text);
  return { value: parser.document(), duplicates: parser.duplicates };
}

class Parser {
  readonly duplicates: string[] = [];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Json {
    const value = this.#value('', 0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected('after top-level value');
    return value;
  }

  #value(path: string, depth: number): Json {
    if (depth > MAX_DEPTH) throw new JsonSyntaxError('exceeded max depth');
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(path, depth);
      case '[':
        return this.#array(path, depth);
      case '"':
        return this.#string();
      case 't':
        return this.#literal('true', true);
      case 'f':
        return this.#literal('false', false);
      case 'n':
        return this.#literal('null', null);
      default:
        return this.#number();
    }
  }

  #object(path: string, depth: number): JsonObject {
    const object: JsonObject = {};
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === '}') {
      this.#at++;
      return object;
    }
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string');
      const key = this.#string();
      const at = path === '' ? key : `${path}.${key}`;
      if (Object.hasOwn(object, key)) this.duplicates.push(at);
      this.#space();
      if (this.#text[this.#at] !== ':') throw this.#unexpected('after object key');
      this.#at++;
      define(object, key, this.#value(at, depth + 1));
      this.#space();
      const next = this.#text[this.#at];
      if (next === '}') {
        this.#at++;
        return object;
      }
      if (next !== ',') throw this.#unexpected('after object key:value pair');
      this.#at++;
    }
  }

  #array(path: string, depth: number): Json[] {
    const items: Json[] = [];
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === ']') {
      this.#at++;
      return items;
    }
    for (;;) {
      items.push(this.#value(`${path}[${items.length}]`, depth + 1));
      this.#space();
      const next = this.#text[this.#at];
      if (next === ']') {
        this.#at++;
        return items;
      }
      if (next !== ',') throw this.#unexpected('after array element');
      this.#at++;
    }
  }

  #string(): string {
    SIMPLE_STRING.lastIndex = this.#at;
    const simple = SIMPLE_STRING.exec(this.#text);
    if (simple !== null) {
      this.#at = SIMPLE_STRING.lastIndex;
      return simple[1] ?? '';
    }
    const start = this.#at++;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw this.#unexpected('in string literal');
      if (char === '"') break;
      if (char < ' ') throw this.#unexpected('in string literal');
      if (char === '\\') {
        const escaped = this.#text[++this.#at];
        if (escaped === undefined) throw this.#unexpected('in string escape code');
        if (escaped === 'u') {
          for (let digit = 1; digit <= 4; digit++) {
            if (!/[0-9a-fA-F]/.test(this.#text[++this.#at] ?? '')) throw this.#unexpected('in \\u hexadecimal character escape');
          }
        } else if (!'"\\/bfnrt'.includes(escaped)) {
          throw this.#unexpected('in string escape code');
        }
      }
      this.#at++;
    }
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) {
      if (this.#text[this.#at] === '-') {
        this.#at++;
        throw this.#unexpected('in numeric literal');
      }
      throw this.#unexpected('looking for beginning of value');
    }
    this.#at = NUMBER.lastIndex;
    return Number(match[0]);
  }

  #literal<T extends Json>(word: string, value: T): T {
    for (let i = 0; i < word.length; i++) {
      if (this.#text[this.#at] !== word[i]) throw this.#unexpected(`in literal ${word} (expecting '${word[i]}')`);
      this.#at++;
    }
    return value;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.#at++;
    }
  }

  #unexpected(where: string): JsonSyntaxError {
    const char = this.#text[this.#at];
    if (char === undefined) return new JsonSyntaxError('unexpected end of JSON input');
    return new JsonSyntaxError(`invalid character ${quoteChar(char)} ${where}`);
  }
}

/** A character as Go's `%q`-like `quoteChar` shows it. */
function quoteChar(char: string): string {
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  return `'${JSON.stringify(char).slice(1, -1)}'`;
}
