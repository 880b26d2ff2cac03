import { builtinDocument } from '../schema/builtin.ts';
import { isObject, type Json, type JsonObject, show } from '../schema/json.ts';
import { since } from './duration.ts';

export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}
/** A column and how an object fills it. */
export interface Column {
  readonly name: string;
  readonly type?: string;
  readonly format?: string;
  readonly priority?: number;
  /** A text, or `<OpenAPI name>#<field>` for a field's own documentation. */
  readonly description: string;
  readonly cell: (object: JsonObject, now: Date) => Json;
}

const prefixes: Record<string, string> = {
  meta: 'io.k8s.apimachinery.pkg.apis.meta.v1',
  apiregistration: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1',
};

/** The documentation of `core.v1.ServiceSpec#type`. */
export function documentation(reference: string): string {
  const m = /^([a-z]+)(?:\.(v\d+))?\.([A-Za-z]+)#(.+)$/.exec(reference);
  if (!m) return reference;
  const [, group = '', version = 'v1', type = '', field = ''] = m;
  const schema = builtinDocument().schemas[`${prefixes[group] ?? `io.k8s.api.${group}.${version}`}.${type}`];
  const properties = isObject(schema?.properties) ? schema.properties : {};
  const property = properties[field];
  return isObject(property) && typeof property.description === 'string' ? property.description : '';
}

/** The value at a dotted path of fields. */
export function at(object: Json | undefined, path: string): Json | undefined {
  let value = object;
  for (const part of path.split('.')) value = isObject(value) ? value[part] : undefined;
  return value;
}
export const text = (object: Json | undefined, path: string): string => {
  const value = at(object, path);
  return typeof value === 'string'
    ? value
    : value === undefined || value === null || isObject(value) || Array.isArray(value)
      ? ''
      : String(value);
};
export const number = (object: Json | undefined, path: string): number => {
  const value = at(object, path);
  return typeof value === 'number' ? value : 0;
};
export const list = (object: Json | undefined, path: string): JsonObject[] => {
  const value = at(object, path);
  return Array.isArray(value) ? value.filter(isObject) : [];
};
export const strings = (object: Json | undefined, path: string): string[] => {
  const value = at(object, path);
  return Array.isArray(value) ? value.filter(v => typeof v === 'string') : [];
};
export const count = (object: Json | undefined, path: string): number => {
  const value = at(object, path);
  return Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : 0;
};

/** `a=b,c=d`, or `<none>`. */
export function labelsText(labels: Json | undefined): string {
  const entries = isObject(labels) ? Object.keys(labels).toSorted((a, b) => (a < b ? -1 : 1)) : [];
  return entries.length === 0 ? '<none>' : entries.map(k => `${k}=${show((labels as JsonObject)[k])}`).join(',');
}

/** A metav1.LabelSelector as `kubectl` shows it. */
export function selectorText(selector: Json | undefined): string {
  if (!isObject(selector)) return '<none>';
  const labels = isObject(selector.matchLabels) ? selector.matchLabels : {};
  const parts = Object.keys(labels)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map(k => `${k}=${show(labels[k])}`);
  for (const e of list(selector, 'matchExpressions')) {
    const key = text(e, 'key');
    const values = strings(e, 'values')
      .toSorted((a, b) => (a < b ? -1 : 1))
      .join(',');
    const op = text(e, 'operator');
    parts.push(op === 'In' ? `${key} in (${values})` : op === 'NotIn' ? `${key} notin (${values})` : op === 'Exists' ? key : `!${key}`);
  }
  return parts.length === 0 ? '<none>' : parts.join(',');
}

export const name: Column = { name: 'Name', format: 'name', description: 'meta.ObjectMeta#name', cell: o => text(o, 'metadata.name') };
export const age: Column = {
  name: 'Age',
  description: 'meta.ObjectMeta#creationTimestamp',
  cell: (o, now) => since(at(o, 'metadata.creationTimestamp'), now),
};
export const createdAt: Column = {
  name: 'Created At',
  type: 'date',
  description: 'meta.ObjectMeta#creationTimestamp',
  cell: o => text(o, 'metadata.creationTimestamp'),
};
/** A column only `-o wide` shows. */
export const wide = (column: Column): Column => ({ ...column, priority: 1 });
