import { type Environment, Optional } from '@marcbachmann/cel-js';
import { goRegExp } from '../../schema/compile.ts';
import { formatQuantity, parseQuantity, type Quantity } from '../../schema/quantity.ts';
import { CelLibraryError } from './error.ts';
import { formatText } from './format-text.ts';
import { formats } from './formats.ts';
import { registerMacros } from './macros.ts';
import { CelCidr, CelIp } from './net.ts';
import { CelSemver } from './semver.ts';
import { CelUrl, isUrl, parseUrl } from './url.ts';

/** A quantity as CEL sees it. */
export class CelQuantity {
  readonly quantity: Quantity;

  constructor(quantity: Quantity) {
    this.quantity = quantity;
  }

  toString(): string {
    return formatQuantity(this.quantity);
  }
}
class Namespace {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}
class SetsNamespace extends Namespace {}
class MathNamespace extends Namespace {}
class FormatNamespace extends Namespace {}
class IpNamespace extends Namespace {}
class Base64Namespace extends Namespace {}
class StringsNamespace extends Namespace {}
class NamedFormat {
  readonly check: (text: string) => string[];

  constructor(check: (text: string) => string[]) {
    this.check = check;
  }
}

function must<T>(value: T | undefined, message: string): T {
  if (value === undefined) throw new CelLibraryError(message);
  return value;
}

type Comparable = string | bigint | number | boolean | Date;
const less = (a: unknown, b: unknown): boolean => (a as Comparable) < (b as Comparable);
const same = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => same(x, b[i]));
  if (a instanceof CelIp) return b instanceof CelIp && a.equals(b);
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime();
  if (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length && keys.every(k => same((a as Record<string, unknown>)[k], (b as Record<string, unknown>)[k]))
    );
  }
  return (typeof a === 'bigint' || typeof a === 'number') && (typeof b === 'bigint' || typeof b === 'number') && Number(a) === Number(b);
};

/** Adds the functions that Kubernetes gives to CEL rules (`k8s.io/apiserver/pkg/cel/library`) to an environment. */
export function registerLibrary(env: Environment): Environment {
  const fn = (signature: string, handler: (...args: never[]) => unknown) =>
    env.registerFunction(signature, handler as (...args: unknown[]) => unknown);
  registerMacros(env);
  registerNet(env, fn);
  registerQuantity(env, fn);
  registerLists(fn);
  registerStrings(env, fn);
  registerNamespaces(env, fn);
  env.registerType('kubernetes.URL', CelUrl);
  fn('isURL(string): bool', (t: string) => isUrl(t));
  fn('url(string): kubernetes.URL', (t: string) =>
    must(parseUrl(t), `URL parse error during conversion from string: parse ${JSON.stringify(t)}: invalid URI for request`),
  );
  for (const [method, get] of Object.entries(CelUrl.getters)) fn(`kubernetes.URL.${method}(): string`, (u: CelUrl) => get(u));
  fn('kubernetes.URL.getQuery(): map<string, list<string>>', (u: CelUrl) => u.query());
  env.registerType('kubernetes.Semver', CelSemver);
  fn('isSemver(string): bool', (t: string) => CelSemver.parse(t) !== undefined);
  fn('isSemver(string, bool): bool', (t: string, normalize: boolean) => CelSemver.parse(t, normalize) !== undefined);
  fn('semver(string): kubernetes.Semver', (t: string) => must(CelSemver.parse(t), `invalid semver: ${t}`));
  fn('semver(string, bool): kubernetes.Semver', (t: string, normalize: boolean) =>
    must(CelSemver.parse(t, normalize), `invalid semver: ${t}`),
  );
  for (const part of ['major', 'minor', 'patch'] as const) fn(`kubernetes.Semver.${part}(): int`, (s: CelSemver) => s[part]);
  fn('kubernetes.Semver.compareTo(kubernetes.Semver): int', (a: CelSemver, b: CelSemver) => BigInt(a.compare(b)));
  fn('kubernetes.Semver.isLessThan(kubernetes.Semver): bool', (a: CelSemver, b: CelSemver) => a.compare(b) < 0);
  fn('kubernetes.Semver.isGreaterThan(kubernetes.Semver): bool', (a: CelSemver, b: CelSemver) => a.compare(b) > 0);
  return env;
}

type Register = (signature: string, handler: (...args: never[]) => unknown) => unknown;

const ip = (t: string) =>
  must(
    CelIp.parse(t),
    `IP Address ${JSON.stringify(t)} parse error during conversion from string: ParseAddr(${JSON.stringify(t)}): unable to parse IP`,
  );
const cidr = (t: string) =>
  must(CelCidr.parse(t), `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(t)}): no '/'`);

function registerNet(env: Environment, fn: Register): void {
  env.registerType('net.IP', CelIp);
  env.registerType('net.CIDR', CelCidr);
  fn('isIP(string): bool', (t: string) => CelIp.parse(t) !== undefined);
  fn('ip(string): net.IP', ip);
  fn('isCIDR(string): bool', (t: string) => CelCidr.parse(t) !== undefined);
  fn('cidr(string): net.CIDR', cidr);
  fn('string(net.IP): string', (a: CelIp) => a.toString());
  fn('string(net.CIDR): string', (c: CelCidr) => c.toString());
  fn('net.IP.family(): int', (a: CelIp) => BigInt(a.family));
  for (const test of ['isUnspecified', 'isLoopback', 'isLinkLocalMulticast', 'isLinkLocalUnicast', 'isGlobalUnicast'] as const) {
    fn(`net.IP.${test}(): bool`, (a: CelIp) => a[test]);
  }
  fn('net.CIDR.containsIP(net.IP): bool', (c: CelCidr, a: CelIp) => c.containsIp(a));
  fn('net.CIDR.containsIP(string): bool', (c: CelCidr, t: string) => c.containsIp(ip(t)));
  fn('net.CIDR.containsCIDR(net.CIDR): bool', (c: CelCidr, o: CelCidr) => c.containsCidr(o));
  fn('net.CIDR.containsCIDR(string): bool', (c: CelCidr, t: string) => c.containsCidr(cidr(t)));
  fn('net.CIDR.ip(): net.IP', (c: CelCidr) => c.address);
  fn('net.CIDR.masked(): net.CIDR', (c: CelCidr) => c.masked());
  fn('net.CIDR.prefixLength(): int', (c: CelCidr) => BigInt(c.prefix));
  env.registerOperator('net.IP == net.IP', (a: CelIp, b: CelIp) => a.equals(b));
  env.registerOperator('net.CIDR == net.CIDR', (a: CelCidr, b: CelCidr) => a.toString() === b.toString());
}

function registerQuantity(env: Environment, fn: Register): void {
  env.registerType('kubernetes.Quantity', CelQuantity);
  const of = (nanos: bigint, like: Quantity) => new CelQuantity({ nanos, format: like.format });
  const whole = (q: CelQuantity) => q.quantity.nanos % 1_000_000_000n === 0n && q.quantity.nanos / 1_000_000_000n < 1n << 63n;
  fn('isQuantity(string): bool', (t: string) => parseQuantity(t) !== undefined);
  fn(
    'quantity(string): kubernetes.Quantity',
    (t: string) =>
      new CelQuantity(
        must(parseQuantity(t), "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
      ),
  );
  fn('kubernetes.Quantity.sign(): int', (q: CelQuantity) => (q.quantity.nanos > 0n ? 1n : q.quantity.nanos < 0n ? -1n : 0n));
  fn('kubernetes.Quantity.isInteger(): bool', whole);
  fn('kubernetes.Quantity.asInteger(): int', (q: CelQuantity) => {
    if (!whole(q)) throw new CelLibraryError('cannot convert value to integer');
    return q.quantity.nanos / 1_000_000_000n;
  });
  fn('kubernetes.Quantity.asApproximateFloat(): double', (q: CelQuantity) => Number(q.quantity.nanos) / 1e9);
  fn('kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity', (a: CelQuantity, b: CelQuantity) =>
    of(a.quantity.nanos + b.quantity.nanos, a.quantity),
  );
  fn('kubernetes.Quantity.add(int): kubernetes.Quantity', (a: CelQuantity, b: bigint) =>
    of(a.quantity.nanos + b * 1_000_000_000n, a.quantity),
  );
  fn('kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity', (a: CelQuantity, b: CelQuantity) =>
    of(a.quantity.nanos - b.quantity.nanos, a.quantity),
  );
  fn('kubernetes.Quantity.sub(int): kubernetes.Quantity', (a: CelQuantity, b: bigint) =>
    of(a.quantity.nanos - b * 1_000_000_000n, a.quantity),
  );
  fn('kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool', (a: CelQuantity, b: CelQuantity) => a.quantity.nanos < b.quantity.nanos);
  fn(
    'kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool',
    (a: CelQuantity, b: CelQuantity) => a.quantity.nanos > b.quantity.nanos,
  );
  fn('kubernetes.Quantity.compareTo(kubernetes.Quantity): int', (a: CelQuantity, b: CelQuantity) =>
    a.quantity.nanos < b.quantity.nanos ? -1n : a.quantity.nanos > b.quantity.nanos ? 1n : 0n,
  );
  env.registerOperator(
    'kubernetes.Quantity == kubernetes.Quantity',
    (a: CelQuantity, b: CelQuantity) => a.quantity.nanos === b.quantity.nanos,
  );
}

const extreme = (list: unknown[], wins: (a: unknown, b: unknown) => boolean, name: string) => {
  if (list.length === 0) throw new CelLibraryError(`${name} called on empty list`);
  return list.reduce((best, item) => (wins(item, best) ? item : best));
};

function registerLists(fn: Register): void {
  fn('list<A>.isSorted(): bool', (list: unknown[]) => list.every((item, i) => i === 0 || !less(item, list[i - 1])));
  fn('list<A>.sum(): A', (list: unknown[]) =>
    list.length === 0 ? 0n : list.slice(1).reduce((a, b) => (a as bigint) + (b as bigint), list[0]),
  );
  fn('list<A>.min(): A', (list: unknown[]) => extreme(list, less, 'min'));
  fn('list<A>.max(): A', (list: unknown[]) => extreme(list, (a, b) => less(b, a), 'max'));
  fn('list<A>.indexOf(A): int', (list: unknown[], item: unknown) => BigInt(list.findIndex(x => same(x, item))));
  fn('list<A>.lastIndexOf(A): int', (list: unknown[], item: unknown) => BigInt(list.findLastIndex(x => same(x, item))));
}

const regexp = (pattern: string, flags = '') => must(goRegExp(pattern, flags), `error parsing regexp: ${pattern}`);

function registerStrings(env: Environment, fn: Register): void {
  fn('string.find(string): string', (t: string, p: string) => regexp(p).exec(t)?.[0] ?? '');
  fn('string.findAll(string): list<string>', (t: string, p: string) => t.match(regexp(p, 'g')) ?? []);
  fn('string.findAll(string, int): list<string>', (t: string, p: string, n: bigint) => {
    const found = t.match(regexp(p, 'g')) ?? [];
    return n < 0n ? found : found.slice(0, Number(n));
  });
  fn('string.charAt(int): string', (t: string, i: bigint) => {
    const chars = Array.from(t);
    if (i < 0n || i > BigInt(chars.length)) throw new CelLibraryError(`index out of range: ${i}`);
    return chars[Number(i)] ?? '';
  });
  fn('string.replace(string, string): string', (t: string, from: string, to: string) => t.split(from).join(to));
  fn('string.replace(string, string, int): string', (t: string, from: string, to: string, n: bigint) => {
    const parts = t.split(from);
    const count = n < 0n ? parts.length - 1 : Math.min(Number(n), parts.length - 1);
    return (
      parts.slice(0, count + 1).join(to) +
      parts
        .slice(count + 1)
        .map(p => from + p)
        .join('')
    );
  });
  fn('string.reverse(): string', (t: string) => Array.from(t).toReversed().join(''));
  fn('string.format(list<dyn>): string', (t: string, args: unknown[]) => formatText(t, args));
  env.registerType('strings.Namespace', StringsNamespace);
  env.registerConstant('strings', 'strings.Namespace', new StringsNamespace('strings'));
  fn('strings.Namespace.quote(string): string', (_: StringsNamespace, t: string) => JSON.stringify(t));
}

const contains = (list: unknown[], part: unknown[]) => part.every(x => list.some(y => same(x, y)));
const pick = (args: unknown[], wins: (a: unknown, b: unknown) => boolean) => args.reduce((best, x) => (wins(x, best) ? x : best));

function registerNamespaces(env: Environment, fn: Register): void {
  env.registerType('sets.Namespace', SetsNamespace);
  env.registerConstant('sets', 'sets.Namespace', new SetsNamespace('sets'));
  fn('sets.Namespace.contains(list<dyn>, list<dyn>): bool', (_: SetsNamespace, a: unknown[], b: unknown[]) => contains(a, b));
  fn(
    'sets.Namespace.equivalent(list<dyn>, list<dyn>): bool',
    (_: SetsNamespace, a: unknown[], b: unknown[]) => contains(a, b) && contains(b, a),
  );
  fn('sets.Namespace.intersects(list<dyn>, list<dyn>): bool', (_: SetsNamespace, a: unknown[], b: unknown[]) =>
    a.some(x => b.some(y => same(x, y))),
  );

  env.registerType('math.Namespace', MathNamespace);
  env.registerConstant('math', 'math.Namespace', new MathNamespace('math'));
  for (const [name, wins] of [
    ['greatest', (a: unknown, b: unknown) => less(b, a)],
    ['least', less],
  ] as const) {
    fn(`math.Namespace.${name}(list<A>): A`, (_: MathNamespace, list: unknown[]) => pick(list, wins));
    fn(`math.Namespace.${name}(A, A): A`, (_: MathNamespace, a: unknown, b: unknown) => pick([a, b], wins));
    fn(`math.Namespace.${name}(A, A, A): A`, (_: MathNamespace, a: unknown, b: unknown, c: unknown) => pick([a, b, c], wins));
  }

  env.registerType('base64.Namespace', Base64Namespace);
  env.registerConstant('base64', 'base64.Namespace', new Base64Namespace('base64'));
  fn('base64.Namespace.encode(bytes): string', (_: Base64Namespace, bytes: Uint8Array) => Buffer.from(bytes).toString('base64'));
  fn('base64.Namespace.decode(string): bytes', (_: Base64Namespace, t: string) => new Uint8Array(Buffer.from(t, 'base64')));

  env.registerType('ip.Namespace', IpNamespace);
  env.registerConstant('ip', 'ip.Namespace', new IpNamespace('ip'));
  fn(
    'ip.Namespace.isCanonical(string): bool',
    (_: IpNamespace, t: string) =>
      must(CelIp.parse(t), `IP Address ${JSON.stringify(t)} parse error during conversion from string`).toString() === t,
  );

  env.registerType('kubernetes.NamedFormat', NamedFormat);
  env.registerType('format.Namespace', FormatNamespace);
  env.registerConstant('format', 'format.Namespace', new FormatNamespace('format'));
  for (const [name, check] of Object.entries(formats))
    fn(`format.Namespace.${name}(): kubernetes.NamedFormat`, () => new NamedFormat(check));
  fn('format.Namespace.named(string): optional<kubernetes.NamedFormat>', (_: FormatNamespace, name: string) => {
    const check = formats[name];
    return check ? Optional.of(new NamedFormat(check)) : Optional.none();
  });
  fn('kubernetes.NamedFormat.validate(string): optional<list<string>>', (f: NamedFormat, t: string) => {
    const errors = f.check(t);
    return errors.length ? Optional.of(errors) : Optional.none();
  });
}
