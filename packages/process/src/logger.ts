import { type DestinationStream, destination, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  /** Which program: the field `component` of every line. */
  component: string;
  level?: LogLevel | undefined;
  /** Default: standard output, synchronously, so that the last line before an exit is not lost. */
  to?: DestinationStream | undefined;
}

/** JSON lines with RFC 3339 times. Anything that looks like a credential is left out. */
export function createLogger(options: LoggerOptions): Logger {
  const secret = ['authorization', 'token', 'password', 'secret'];
  return pino(
    {
      level: options.level ?? 'info',
      base: { component: options.component },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: [...secret, ...secret.map(name => `*.${name}`), ...secret.map(name => `*.headers.${name}`)], censor: '[redacted]' },
    },
    options.to ?? destination({ fd: 1, sync: true }),
  );
}
