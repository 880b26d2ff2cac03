/** resource.Quantity: a decimal with a binary (Ki…Ei), decimal (n…E) or exponent suffix. */

const shape = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE]?)$/;
const decimal: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binary: Record<string, bigint> = { Ki: 1n << 10n, Mi: 1n << 20n, Gi: 1n << 30n, Ti: 1n << 40n, Pi: 1n << 50n, Ei: 1n << 60n };

export const quantityError = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

export interface Quantity {
  /** The value in units of 10⁻⁹ (what Kubernetes keeps at most), rounded up. */
  readonly nanos: bigint;
  readonly format: 'decimal' | 'binary' | 'exponent';
}

/** Parses a quantity; undefined when it is none. */
export function parseQuantity(text: string): Quantity | undefined {
  const m = shape.exec(text);
  if (!m) return undefined;
  const [, sign = '', digits = '', suffix = ''] = m;
  const [whole = '', fraction = ''] = digits.split('.');
  const mantissa = BigInt(`${whole}${fraction}` || '0');
  const exponentForm = /^[eE][+-]?\d+$/.test(suffix);
  const factor = binary[suffix];
  const power = factor ? 0 : exponentForm ? Number(suffix.slice(1)) : (decimal[suffix] ?? 0);
  if (Math.abs(power) > 1000) return undefined;
  const scale = 9 + power - fraction.length;
  const scaled = mantissa * (factor ?? 1n);
  let nanos: bigint;
  if (scale >= 0) nanos = scaled * 10n ** BigInt(scale);
  else {
    const divisor = 10n ** BigInt(-scale);
    nanos = (scaled + divisor - 1n) / divisor;
  }
  return { nanos: sign === '-' ? -nanos : nanos, format: factor ? 'binary' : exponentForm ? 'exponent' : 'decimal' };
}

/** The canonical text: the largest suffix that leaves an integer, as the API server writes it. */
export function formatQuantity(q: Quantity): string {
  if (q.nanos === 0n) return '0';
  const negative = q.nanos < 0n;
  const value = negative ? -q.nanos : q.nanos;
  const sign = negative ? '-' : '';
  if (q.format === 'binary' && value % 1_000_000_000n === 0n) {
    const units = value / 1_000_000_000n;
    if (units >= 1024n) {
      let rest = units;
      let suffix = '';
      for (const name of Object.keys(binary)) {
        if (rest % 1024n !== 0n) break;
        rest /= 1024n;
        suffix = name;
      }
      return `${sign}${rest}${suffix}`;
    }
    return `${sign}${units}`;
  }
  let rest = value;
  let power = -9;
  while (rest % 1000n === 0n && power < 18) {
    rest /= 1000n;
    power += 3;
  }
  if (q.format === 'exponent') return `${sign}${rest}${power === 0 ? '' : `e${power}`}`;
  const suffix = Object.entries(decimal).find(([, p]) => p === power)?.[0] ?? '';
  return `${sign}${rest}${suffix}`;
}

/** The canonical form of a quantity as it comes in JSON (a string or a bare number); undefined when it is none. */
export function canonicalQuantity(value: string | number): string | undefined {
  const q = parseQuantity(String(value));
  return q && formatQuantity(q);
}
