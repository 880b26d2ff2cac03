import { isObject, type JsonObject } from '../schema/json.ts';

/**
 * A set of field paths, as `metadata.managedFields[].fieldsV1` writes it: a trie whose keys are path elements
 * (`f:name`, `k:{"port":80}`, `v:"value"`, `i:0`). A path is in the set when its node is a member; `.` marks
 * a member that has members below it. Sets are never changed after they are built: the algebra shares nodes.
 */
export interface FieldSet {
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}
export type FieldPath = readonly string[];

const noChildren: ReadonlyMap<string, FieldSet> = new Map();
export const emptySet: FieldSet = { member: false, children: noChildren };
const leaf: FieldSet = { member: true, children: noChildren };

export const isEmpty = (set: FieldSet): boolean => !set.member && set.children.size === 0;

/** Collects paths into a set. */
export class FieldSetBuilder {
  member = false;
  readonly children = new Map<string, FieldSetBuilder>();

  insert(path: FieldPath): void {
    path.reduce<FieldSetBuilder>((at, element) => at.child(element), this).member = true;
  }

  child(element: string): FieldSetBuilder {
    let child = this.children.get(element);
    if (!child) {
      child = new FieldSetBuilder();
      this.children.set(element, child);
    }
    return child;
  }

  build(): FieldSet {
    if (this.children.size === 0) return this.member ? leaf : emptySet;
    const children = new Map<string, FieldSet>();
    for (const [element, child] of this.children) children.set(element, child.build());
    return { member: this.member, children };
  }
}

export function setOf(paths: Iterable<FieldPath>): FieldSet {
  const builder = new FieldSetBuilder();
  for (const path of paths) builder.insert(path);
  return builder.build();
}

function node(member: boolean, children: Map<string, FieldSet>): FieldSet {
  return children.size === 0 ? (member ? leaf : emptySet) : { member, children };
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  const children = new Map(a.children);
  for (const [element, child] of b.children) {
    const other = children.get(element);
    children.set(element, other ? union(other, child) : child);
  }
  return node(a.member || b.member, children);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    if (!other) continue;
    const both = intersection(child, other);
    if (!isEmpty(both)) children.set(element, both);
  }
  return node(a.member && b.member, children);
}

/** The paths of `a` that are not in `b`; what lies below a path of `b` stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(b)) return a;
  const children = new Map<string, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    const rest = other ? difference(child, other) : child;
    if (!isEmpty(rest)) children.set(element, rest);
  }
  return node(a.member && !b.member, children);
}

/** The paths of `a` that are neither in `b` nor below a path of `b`. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(b)) return a;
  if (b.member) return emptySet;
  const children = new Map<string, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    const rest = other ? recursiveDifference(child, other) : child;
    if (!isEmpty(rest)) children.set(element, rest);
  }
  return node(a.member, children);
}

const rank = (element: string): number => 'fkvi'.indexOf(element[0] ?? '');

/** Path elements in the order Kubernetes writes them: fields, keys, values, indexes. */
function ordered(set: FieldSet): [string, FieldSet][] {
  return [...set.children].toSorted(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0));
}

/** Every path; the members of a node before what lies below. */
export function paths(set: FieldSet): FieldPath[] {
  const found: FieldPath[] = [];
  const walk = (at: FieldSet, prefix: readonly string[]) => {
    const children = ordered(at);
    for (const [element, child] of children) if (child.member) found.push([...prefix, element]);
    for (const [element, child] of children) if (child.children.size > 0) walk(child, [...prefix, element]);
  };
  walk(set, []);
  return found;
}

/** The JSON of `fieldsV1`. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const json: JsonObject = {};
  for (const [element, child] of ordered(set)) {
    json[element] = child.member && child.children.size > 0 ? { '.': {}, ...toFieldsV1(child) } : toFieldsV1(child);
  }
  return json;
}

/** Reads `fieldsV1`; undefined when it is not of that form. */
export function fromFieldsV1(json: JsonObject): FieldSet | undefined {
  const read = (value: JsonObject, root: boolean, depth: number): FieldSet | undefined => {
    if (depth > 200) return undefined;
    const children = new Map<string, FieldSet>();
    let member = false;
    let count = 0;
    for (const key of Object.keys(value)) {
      count++;
      if (key === '.') {
        member = true;
        continue;
      }
      const child = value[key];
      if (!/^[fkvi]:/.test(key) || !isObject(child)) return undefined;
      const set = read(child, false, depth + 1);
      if (!set) return undefined;
      children.set(key, set);
    }
    return node(member || (!root && count === 0), children);
  };
  return read(json, true, 0);
}

/** `.spec.ports[port=80,protocol="TCP"].name`, as conflict messages show a path. */
export function pathText(path: FieldPath): string {
  return path
    .map(element => {
      const rest = element.slice(2);
      if (element.startsWith('f:')) return `.${rest}`;
      if (element.startsWith('i:')) return `[${rest}]`;
      if (element.startsWith('v:')) return `[=${rest}]`;
      const key = JSON.parse(rest) as JsonObject;
      return `[${Object.keys(key)
        .map(k => `${k}=${JSON.stringify(key[k])}`)
        .join(',')}]`;
    })
    .join('');
}
