import {
  type ListenAddress,
  type LogLevel,
  logLevels,
  parseBoolean,
  parseDuration,
  parseInteger,
  parseListenAddress,
} from '@herald/process';
import { type Command, Option } from 'commander';
import { flag } from '../flag.ts';

/** Flags that every daemon has. */
export interface CommonFlags {
  kubeconfig?: string;
  context?: string;
  namespace: string;
  httpAddress: ListenAddress | undefined;
  logLevel: LogLevel;
  kubeApiQps: number;
  kubeApiBurst: number;
  readMetallb: boolean;
  metallbNamespace: string;
}

export function addCommonFlags(command: Command, defaults: { httpAddress: string; qps: number }): void {
  flag(command, '--kubeconfig <file>', 'kubeconfig; without one: KUBECONFIG, then the service account of the pod, then ~/.kube/config');
  flag(command, '--context <name>', 'context of the kubeconfig');
  flag(command, '--namespace <name>', 'namespace of Herald: its pools, advertisements, peers and leases', 'herald-system');
  addressFlag(command, '--http-address <address>', 'where to serve /healthz, /readyz and /metrics; off: nowhere', defaults.httpAddress);
  command.addOption(
    new Option('--log-level <level>', 'least severe level that is logged').choices(logLevels).default('info').env('HERALD_LOG_LEVEL'),
  );
  flag(
    command,
    '--read-metallb [true|false]',
    "read MetalLB's pools, advertisements and peers beside Herald's, as they stand",
    false,
    text => parseBoolean('--read-metallb', text),
    true,
  );
  flag(command, '--metallb-namespace <name>', "namespace of MetalLB's objects, for --read-metallb", 'metallb-system');
  integerFlag(command, '--kube-api-qps <n>', 'calls per second to the API server; 0: no limit', defaults.qps, 0, 100_000);
  integerFlag(command, '--kube-api-burst <n>', 'calls at once before the limit holds', defaults.qps * 2, 1, 100_000);
}

export function durationFlag(command: Command, flags: string, description: string, fallbackMs?: number): void {
  const like = fallbackMs === undefined ? '' : ` (like ${fallbackMs / 1000}s)`;
  flag(command, flags, `${description}${like}`, fallbackMs, text => parseDuration(flags.split(' ')[0] ?? flags, text));
}

export function booleanFlag(command: Command, flags: string, description: string, fallback: boolean): void {
  flag(command, flags, description, fallback, text => parseBoolean(flags.split(' ')[0] ?? flags, text));
}

export function integerFlag(command: Command, flags: string, description: string, fallback: number, min: number, max: number): void {
  flag(command, flags, description, fallback, text => parseInteger(flags.split(' ')[0] ?? flags, text, min, max));
}

export function addressFlag(command: Command, flags: string, description: string, fallback: string): void {
  const name = flags.split(' ')[0] ?? flags;
  flag<ListenAddress | undefined>(command, flags, `${description} (default: ${JSON.stringify(fallback)})`, undefined, text =>
    parseListenAddress(name, text),
  );
  // The default goes through the parser, too, so that commands see one type; `off` must stay distinguishable from absent.
  command.setOptionValueWithSource(camelCase(name), parseListenAddress(name, fallback), 'default');
}

function camelCase(name: string): string {
  return name.replace(/^--/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
