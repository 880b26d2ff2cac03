/** The value below which the fraction `q` of the samples lies (nearest rank); NaN without samples. */
export function quantile(samples: readonly number[], q: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] as number;
}

export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}

/** A table for people: the first row is the heading. */
export function printTable(rows: readonly (readonly (string | number)[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => String(row[column] ?? '').length)));
  for (const row of rows) console.log(row.map((cell, column) => String(cell).padStart(widths[column] ?? 0)).join('  '));
}

/** One line of spread: n, min, p50, p90, p99, max. */
export function spread(name: string, samples: readonly number[]): (string | number)[] {
  return [name, samples.length, ...[0, 0.5, 0.9, 0.99, 1].map(q => round(quantile(samples, q)))];
}

export const SPREAD_HEADING = ['', 'n', 'min', 'p50', 'p90', 'p99', 'max'] as const;
