/** Makes answers of two API servers, or of two runs, comparable. */

export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
/** What a play knows: its names, and the answers it saved. */
export interface Vars {
  run: string;
  ns: string;
  [saved: string]: Value;
}

const isObject = (value: Value | undefined): value is { [key: string]: Value } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What lies at a dotted path; a number selects from a list, `length` counts it. */
export function at(value: Value | undefined, path: string): Value | undefined {
  let found: unknown = value;
  for (const key of path.split('.')) found = found === null || found === undefined ? undefined : (found as Record<string, unknown>)[key];
  return found as Value | undefined;
}

/** Replaces `${name}` and `${saved.path}`; a text that is nothing else becomes the saved value itself. */
export function fill(value: Value, vars: Vars): Value {
  if (typeof value === 'string') {
    const whole = /^\$\{([^}]+)\}$/.exec(value)?.[1];
    if (whole !== undefined) return at(vars, whole) ?? value;
    return fillText(value, vars);
  }
  if (Array.isArray(value)) return value.map(item => fill(item, vars));
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, vars)])) : value;
}

/** {@link fill} where only text can come of it. */
export const fillText = (text: string, vars: Vars): string =>
  text.replace(/\$\{([^}]+)\}/g, (whole, path: string) => {
    const found = at(vars, path);
    if (found === undefined || found === null) return whole;
    return typeof found === 'object' ? JSON.stringify(found) : String(found);
  });

const VARYING = /^(uid|resourceVersion|continue|selfLink)$/;
const HASHES = new Set(['serverAddress', 'hash', 'storageVersionHash']);

/** Replaces what differs from run to run, and sorts members. */
export function normal(value: Value | undefined, vars: Vars, key = ''): Value | undefined {
  if (Array.isArray(value)) return value.map(item => normal(item, vars, key) ?? null);
  if (isObject(value)) {
    const names = Object.keys(value).toSorted();
    return Object.fromEntries(names.map(name => [name, normal(value[name], vars, name.split('.').pop() ?? '') ?? null]));
  }
  if (typeof value === 'string') return normalText(value, vars, key);
  if (typeof value === 'number' && /^(nodePort|healthCheckNodePort)$/.test(key) && value >= 30000 && value <= 32767) return '<nodePort>';
  return value;
}

function normalText(value: string, vars: Vars, key: string): string {
  if (VARYING.test(key) || HASHES.has(key)) return `<${key}>`;
  return value
    .replaceAll(vars.ns, '<ns>')
    .replaceAll(vars.run, '<run>')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
    .replace(/\b10\.43\.\d+\.\d+\b/g, '<clusterIP>')
    .replace(/\b2001:cafe:43:[0-9a-f:]*[0-9a-f]\b/g, '<clusterIPv6>')
    .replace(/\b3[0-2]\d{3}\b/g, '<nodePort>')
    .replace(/too old resource version: \d+ \(\d+\)/, 'too old resource version: <resourceVersion>')
    .replace(/^(gen-)[a-z0-9]{5}$/, '$1<random>')
    .replace(/^\d+(s|m|h|ms)$/, '<age>');
}

/** Makes the order of managedFields, and bookmarks that come by the clock, not matter. */
export function settled(value: Value, key = ''): Value {
  if (Array.isArray(value)) {
    const kept = value.filter(item => !isPeriodicBookmark(item)).map(item => settled(item));
    return key === 'managedFields' ? kept.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : kept;
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, settled(item, name.split('.').pop() ?? '')]));
}

function isPeriodicBookmark(value: Value): boolean {
  if (!isObject(value) || value['type'] !== 'BOOKMARK') return false;
  const annotations = at(value, 'object.metadata.annotations');
  return !(isObject(annotations) && Boolean(annotations['k8s.io/initial-events-end']));
}

/** A copy without what lies at the given paths; lists on the way are walked through. */
export function without(value: Value, paths: readonly string[]): Value {
  const copy = structuredClone(value);
  for (const path of paths) drop(copy, path.split('.'));
  return copy;
}

function drop(value: Value | undefined, [key = '', ...rest]: string[]): void {
  if (Array.isArray(value)) {
    for (const item of value) drop(item, [key, ...rest]);
  } else if (isObject(value)) {
    if (rest.length === 0) delete value[key];
    else drop(value[key], rest);
  }
}

/** Where two values differ, one line each. */
export function differences(expected: Value | undefined, actual: Value | undefined, path = ''): string[] {
  if (JSON.stringify(expected) === JSON.stringify(actual)) return [];
  const [a, b] = [members(expected), members(actual)];
  if (a === undefined || b === undefined || Array.isArray(expected) !== Array.isArray(actual))
    return [`${path || '(all)'}: expected ${short(expected)}, got ${short(actual)}`];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap(key =>
    differences(a[key], b[key], path === '' ? key : `${path}.${key}`),
  );
}

/** The members of an object or list; undefined for anything else. */
function members(value: Value | undefined): { [key: string]: Value } | undefined {
  if (Array.isArray(value)) return Object.fromEntries<Value>(value.entries());
  return isObject(value) ? value : undefined;
}

function short(value: Value | undefined): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
