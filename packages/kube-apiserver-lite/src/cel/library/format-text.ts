import { CelLibraryError } from './error.ts';

/** `'%s is %d'.format([…])` of CEL's string extension. */
export function formatText(text: string, args: readonly unknown[]): string {
  let next = 0;
  return text.replace(/%(?:%|(\.\d+)?([a-zA-Z]))/g, (whole, precision: string | undefined, verb: string | undefined) => {
    if (whole === '%%') return '%';
    if (next >= args.length) throw new CelLibraryError(`index ${next} out of range`);
    return one(verb ?? '', args[next++], precision === undefined ? 6 : Number(precision.slice(1)));
  });
}

function one(verb: string, value: unknown, precision: number): string {
  switch (verb) {
    case 's':
      return show(value);
    case 'd':
      if (typeof value !== 'bigint' && typeof value !== 'number')
        throw new CelLibraryError('error during formatting: decimal clause can only be used on integers');
      return value.toString();
    case 'f':
      return Number(value).toFixed(precision);
    case 'e':
      return Number(value)
        .toExponential(precision)
        .replace(/e([+-])(\d)$/, 'e$10$2');
    case 'b':
      return typeof value === 'boolean' ? (value ? '1' : '0') : integer(value).toString(2);
    case 'o':
      return integer(value).toString(8);
    case 'x':
    case 'X': {
      const hex =
        typeof value === 'string'
          ? Buffer.from(value).toString('hex')
          : value instanceof Uint8Array
            ? Buffer.from(value).toString('hex')
            : integer(value).toString(16);
      return verb === 'X' ? hex.toUpperCase() : hex;
    }
    default:
      throw new CelLibraryError(`unrecognized formatting clause "${verb}"`);
  }
}

function integer(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  throw new CelLibraryError('error during formatting: only integers can be formatted this way');
}

function show(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    return `{${Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => `${k}: ${show(v)}`)
      .join(', ')}}`;
  }
  return `${value as string | { toString(): string }}`;
}
