import { Environment } from '@marcbachmann/cel-js';
import type { SchemaNode } from '../schema/node.ts';
import { registerLibrary } from './library/register.ts';
import { celProperties, escapeName } from './values.ts';

const options = { enableOptionalTypes: true, homogeneousAggregateLiterals: false, unlistedVariablesAreDyn: false };
let evaluating: Environment | undefined;
let checking: Environment | undefined;

/** Where rules run: values are what they are. */
export function evaluationEnvironment(): Environment {
  evaluating ??= registerLibrary(new Environment(options)).registerVariable('self', 'dyn').registerVariable('oldSelf', 'dyn');
  return evaluating;
}

let functions: Set<string> | undefined;

/** Whether any function or method has this name. */
export function isFunction(name: string): boolean {
  functions ??= new Set(
    evaluationEnvironment()
      .getDefinitions()
      .functions.map(f => f.name),
  );
  return functions.has(name);
}

/**
 * Where rules are checked: `self` has the type of its schema. Types of one schema are declared once, so one instance
 * serves all rules of a CRD version.
 */
export class CheckingEnvironment {
  #environment: Environment;
  readonly #names = new Map<SchemaNode, string>();

  constructor() {
    checking ??= registerLibrary(new Environment(options));
    this.#environment = checking.clone();
  }

  /** An environment for rules at `node`. */
  at(node: SchemaNode, oldSelf: 'same' | 'optional'): Environment {
    const type = this.typeOf(node);
    const base = this.#environment;
    // Cloning freezes: what later nodes declare goes into a copy.
    this.#environment = base.clone();
    return base
      .clone()
      .registerVariable('self', type)
      .registerVariable('oldSelf', oldSelf === 'same' ? type : `optional<${type}>`);
  }

  /** The CEL type of a schema; object types are registered on the way. */
  typeOf(node: SchemaNode): string {
    if (node.intOrString) return 'dyn';
    switch (node.type) {
      case 'integer':
        return 'int';
      case 'number':
        return 'double';
      case 'boolean':
        return 'bool';
      case 'string':
        if (node.format === 'date-time' || node.format === 'date') return 'google.protobuf.Timestamp';
        if (node.format === 'byte') return 'bytes';
        return 'string';
      case 'array':
        return `list<${node.items ? this.typeOf(node.items) : 'dyn'}>`;
      case 'object':
        if (node.additional) return `map<string, ${this.typeOf(node.additional)}>`;
        return node.properties.size === 0 || node.embedded ? 'dyn' : this.#objectType(node);
      default:
        return 'dyn';
    }
  }

  #objectType(node: SchemaNode): string {
    const known = this.#names.get(node);
    if (known) return known;
    const fields: Record<string, string> = {};
    for (const [key, child] of celProperties(node)) {
      const name = escapeName(key);
      if (name !== undefined) fields[name] = this.typeOf(child);
    }
    const type = `selfType${this.#names.size + 1}`;
    this.#names.set(node, type);
    this.#environment.registerType({ name: type, fields });
    this.#environment.registerOperator(`${type} == ${type}`, () => true);
    return type;
  }
}
