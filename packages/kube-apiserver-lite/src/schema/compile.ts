import { isObject, type Json, type JsonObject } from './json.ts';
import type { Checks, NodeType, SchemaNode, ValidationRule } from './node.ts';

/** Finds what `$ref: '#/components/schemas/<name>'` or a bare name points at. */
export type Resolve = (name: string) => SchemaNode | undefined;

const noProperties: ReadonlyMap<string, SchemaNode> = new Map();
const noRules: readonly ValidationRule[] = [];

/** Compiles an OpenAPI v3 schema; members are compiled when first looked at, so recursive schemas are fine. */
export function compileSchema(source: JsonObject, resolve: Resolve = () => undefined): SchemaNode {
  return new CompiledNode(source, resolve);
}

const lazy = ['properties', 'items', 'additional', 'checks', 'rules', 'default', 'patchMergeKey', 'description'] as const;

/** A node like `base` with some members replaced (a root that gains metadata, a property that overrides its `$ref`). */
export function derive(base: SchemaNode, changes: Partial<SchemaNode>): SchemaNode {
  const node = Object.create(base) as SchemaNode;
  // What is compiled lazily stays with the base: it is compiled once, and private members are found there.
  for (const key of lazy) if (!(key in changes)) Object.defineProperty(node, key, { get: () => base[key], enumerable: true });
  for (const [key, value] of Object.entries(changes)) Object.defineProperty(node, key, { value, enumerable: true });
  return node;
}

class CompiledNode implements SchemaNode {
  readonly source: JsonObject;
  readonly type: NodeType;
  readonly format: string;
  readonly nullable: boolean;
  readonly intOrString: boolean;
  readonly preserveUnknown: boolean;
  readonly embedded: boolean;
  readonly required: readonly string[];
  readonly listType: 'atomic' | 'set' | 'map';
  readonly listMapKeys: readonly string[];
  readonly atomic: boolean;
  readonly patchStrategy: readonly string[];
  readonly byValue: boolean;
  readonly pointer: boolean;
  readonly always: boolean;
  readonly goType: string;
  readonly goTypedef: boolean;
  readonly #resolve: Resolve;
  #properties: ReadonlyMap<string, SchemaNode> | undefined;
  #items: SchemaNode | null | undefined;
  #additional: SchemaNode | null | undefined;
  #checks: Checks | null | undefined;

  constructor(source: JsonObject, resolve: Resolve) {
    this.source = source;
    this.#resolve = resolve;
    this.type = (typeof source.type === 'string' ? source.type : '') as NodeType;
    this.format = typeof source.format === 'string' ? source.format : '';
    this.nullable = source.nullable === true;
    this.intOrString = source['x-kubernetes-int-or-string'] === true || this.format === 'int-or-string';
    this.preserveUnknown = source['x-kubernetes-preserve-unknown-fields'] === true || source['x-go-raw'] === true;
    this.embedded = source['x-kubernetes-embedded-resource'] === true;
    this.required = strings(source.required);
    const list = source['x-kubernetes-list-type'];
    this.listType = list === 'set' || list === 'map' ? list : 'atomic';
    this.listMapKeys = strings(source['x-kubernetes-list-map-keys']);
    this.atomic = source['x-kubernetes-map-type'] === 'atomic' || source['x-go-raw'] === true;
    const strategy = source['x-kubernetes-patch-strategy'];
    this.patchStrategy = typeof strategy === 'string' ? strategy.split(',') : [];
    this.byValue = source['x-go-value'] === true;
    this.pointer = source['x-go-pointer'] === true;
    this.always = source['x-go-always'] === true;
    this.goTypedef = typeof source['x-go-type'] === 'string';
    this.goType = typeof source['x-go-type'] === 'string' ? source['x-go-type'] : '';
  }

  get default(): Json | undefined {
    return this.source.default ?? this.source['x-go-default'];
  }

  get patchMergeKey(): string | undefined {
    const key = this.source['x-kubernetes-patch-merge-key'];
    return typeof key === 'string' ? key : undefined;
  }

  get description(): string | undefined {
    return typeof this.source.description === 'string' ? this.source.description : undefined;
  }

  get rules(): readonly ValidationRule[] {
    const rules = this.source['x-kubernetes-validations'];
    return Array.isArray(rules) ? (rules.filter(isObject) as unknown as ValidationRule[]) : noRules;
  }

  get properties(): ReadonlyMap<string, SchemaNode> {
    if (this.#properties) return this.#properties;
    const source = this.source.properties;
    if (!isObject(source)) return (this.#properties = noProperties);
    const map = new Map<string, SchemaNode>();
    for (const key of Object.keys(source)) {
      const node = this.#child(source[key]);
      if (node) map.set(key, node);
    }
    return (this.#properties = map);
  }

  get items(): SchemaNode | undefined {
    if (this.#items === undefined) this.#items = this.#child(this.source.items) ?? null;
    return this.#items ?? undefined;
  }

  get additional(): SchemaNode | undefined {
    if (this.#additional === undefined) this.#additional = this.#child(this.source.additionalProperties) ?? null;
    return this.#additional ?? undefined;
  }

  get checks(): Checks | undefined {
    if (this.#checks === undefined) this.#checks = compileChecks(this.source, s => this.#child(s)) ?? null;
    return this.#checks ?? undefined;
  }

  #child(source: Json | undefined): SchemaNode | undefined {
    if (!isObject(source)) return undefined;
    if (typeof source.$ref !== 'string') return compileSchema(source, this.#resolve);
    const base = this.#resolve(source.$ref.replace('#/components/schemas/', ''));
    if (!base) return compileSchema({}, this.#resolve);
    const strategy = source['x-kubernetes-patch-strategy'];
    return derive(base, {
      byValue: source['x-go-value'] === true,
      ...(typeof strategy === 'string' ? { patchStrategy: strategy.split(',') } : {}),
      ...(source['x-go-default'] === undefined ? {} : { default: source['x-go-default'] }),
      ...(typeof source.description === 'string' ? { description: source.description } : {}),
    });
  }
}

function strings(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter(v => typeof v === 'string') : [];
}

const numbers = [
  'minimum',
  'maximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
] as const;

function compileChecks(source: JsonObject, child: (s: Json | undefined) => SchemaNode | undefined): Checks | undefined {
  const checks: Record<string, unknown> = {};
  for (const name of numbers) if (typeof source[name] === 'number') checks[name] = source[name];
  for (const name of ['exclusiveMinimum', 'exclusiveMaximum', 'uniqueItems']) if (source[name] === true) checks[name] = true;
  if (Array.isArray(source.enum)) checks.enum = source.enum;
  if (typeof source.pattern === 'string') {
    checks.pattern = source.pattern;
    const regexp = goRegExp(source.pattern);
    if (regexp) checks.regexp = regexp;
  }
  for (const name of ['allOf', 'anyOf', 'oneOf'] as const) {
    const list = source[name];
    if (Array.isArray(list)) checks[name] = list.map(child).filter(n => n !== undefined);
  }
  const not = child(source.not);
  if (not) checks.not = not;
  return Object.keys(checks).length ? checks : undefined;
}

/** A Go (RE2) pattern as a JavaScript RegExp; undefined when it is none. */
export function goRegExp(pattern: string, flags = ''): RegExp | undefined {
  let source = pattern;
  let extra = flags;
  const head = /^\(\?([ims]+)\)/.exec(source);
  if (head) {
    source = source.slice(head[0].length);
    extra += head[1];
  }
  source = source
    .replace(/\(\?P</g, '(?<')
    .replace(/\\A/g, '^')
    .replace(/\\z/g, '$')
    .replace(/\[\[:alpha:\]\]/g, '[A-Za-z]')
    .replace(/\[:alpha:\]/g, 'A-Za-z')
    .replace(/\[:digit:\]/g, '0-9')
    .replace(/\[:alnum:\]/g, '0-9A-Za-z')
    .replace(/\[:lower:\]/g, 'a-z')
    .replace(/\[:upper:\]/g, 'A-Z')
    .replace(/\[:space:\]/g, '\\s')
    .replace(/\[:xdigit:\]/g, '0-9A-Fa-f')
    .replace(/\[:word:\]/g, '\\w');
  if (/\(\?(?:[=!]|<[=!])/.test(source) || /\\[1-9]/.test(source)) return undefined; // RE2 has neither look-around nor back references
  for (const unicode of ['u', '']) {
    try {
      return new RegExp(source, [...new Set(extra + unicode)].join(''));
    } catch {
      /* a pattern that is not valid in unicode mode may be without it */
    }
  }
  return undefined;
}
