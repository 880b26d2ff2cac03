/** A flag or environment variable whose value cannot be used. Its message names the flag and the remedy. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
  readonly code = 'bad-flag';
}

/** The environment variable of a flag: `--node-name <name>` → `HERALD_NODE_NAME`. */
export function envName(flags: string, prefix = 'HERALD'): string {
  const long = /--(?:no-)?([a-z0-9][a-z0-9-]*)/.exec(flags)?.[1];
  if (long === undefined) throw new FlagError(`${JSON.stringify(flags)} has no long flag`);
  return `${prefix}_${long.replaceAll('-', '_').toUpperCase()}`;
}

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration in Go's notation (`1.5s`, `300ms`, `1m30s`) in milliseconds. */
export function parseDuration(flag: string, text: string): number {
  if (text === '0') return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(part => part[0]).join('') !== text) {
    throw new FlagError(`${flag}: ${JSON.stringify(text)} is not a duration: write it like 15s, 300ms or 1m30s`);
  }
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ''] ?? 0), 0);
}

/** `true` or `false`, nothing else: a variable set to `no` must not mean yes. */
export function parseBoolean(flag: string, text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new FlagError(`${flag}: ${JSON.stringify(text)} is neither true nor false`);
  return text === 'true';
}

/** A whole number within bounds. */
export function parseInteger(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new FlagError(`${flag}: ${JSON.stringify(text)} is not a whole number from ${min} to ${max}`);
  }
  return value;
}

/** Where to listen. */
export interface ListenAddress {
  /** Undefined: on every address. */
  host: string | undefined;
  /** 0: any free one. */
  port: number;
}

/** `host:port`, `[v6]:port`, `:port` or `port`; `off` is undefined: do not listen. */
export function parseListenAddress(flag: string, text: string): ListenAddress | undefined {
  if (text === 'off' || text === '') return undefined;
  const match = /^(?:(\[[0-9a-fA-F:.%]+\]|[^:[\]]*):)?(\d+)$/.exec(text);
  if (match === null) throw new FlagError(`${flag}: ${JSON.stringify(text)} is not an address: write host:port, :port, or off`);
  const host = match[1]?.replace(/^\[|\]$/g, '');
  return { host: host === '' ? undefined : host, port: parseInteger(flag, match[2] ?? '', 0, 65_535) };
}
