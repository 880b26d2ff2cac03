import { parseArgs } from 'node:util';
import type { ApiServerOptions } from './api-server.ts';

/** The command line of the API server. */

interface Flag {
  type: 'string' | 'boolean';
  value?: string;
  standard?: string;
  help: string;
}

const FLAGS: Readonly<Record<string, Flag>> = {
  port: { type: 'string', value: 'PORT', standard: '8001', help: 'port to listen on; 0 takes any free one' },
  host: { type: 'string', value: 'ADDRESS', standard: '127.0.0.1', help: 'address to listen on' },
  insecure: { type: 'boolean', help: 'plain HTTP; a request without a token has all rights (the default without --tls)' },
  tls: { type: 'boolean', help: 'HTTPS with a generated authority; a request needs a token' },
  kubeconfig: { type: 'string', value: 'FILE', help: 'write a kubeconfig of the administrator to FILE' },
  data: { type: 'string', value: 'FILE', help: 'keep the state in FILE; without it, in memory' },
  'service-cidr': {
    type: 'string',
    value: 'CIDR[,CIDR]',
    standard: '10.96.0.0/16',
    help: 'addresses of Services; one block, or one of each family, the default family first',
  },
  'node-port-range': { type: 'string', value: 'FIRST-LAST', standard: '30000-32767', help: 'ports of Services on the nodes' },
  authorization: {
    type: 'string',
    value: 'MODE',
    standard: 'rbac',
    help: 'rbac: Roles and bindings count; always-allow: every user may everything',
  },
  'watch-history': { type: 'string', value: 'N', standard: '10000', help: 'changes remembered per kind; a watch from before answers 410' },
  'no-controllers': { type: 'boolean', help: 'only the API: nothing is collected, mirrored, emptied or started' },
  help: { type: 'boolean', help: 'show this text' },
};

/** What the command line asks for. */
export interface Command {
  help: boolean;
  kubeconfig: string | undefined;
  options: ApiServerOptions;
}

/** A mistake on the command line; the message names the flag and what it takes. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'KUBE_APISERVER_LITE_USAGE';
}

export function helpText(): string {
  const rows = Object.entries(FLAGS).map(([name, { value, standard, help }]) => [
    `  --${name}${value === undefined ? '' : ` ${value}`}`,
    `${help}${standard === undefined ? '' : ` (default ${standard})`}`,
  ]);
  const width = Math.max(...rows.map(([left = '']) => left.length)) + 2;
  return [
    'Usage: api-server [flags]',
    '',
    'A Kubernetes API server in one process, for development and tests.',
    'Prints "ready URL" when it answers; stops on SIGTERM or SIGINT.',
    '',
    ...rows.map(([left = '', right]) => `${left.padEnd(width)}${right}`),
    '',
  ].join('\n');
}

export function parseCommand(args: readonly string[]): Command {
  const values = parse(args);
  const text = (name: string): string => {
    const value = values[name] ?? FLAGS[name]?.standard;
    return typeof value === 'string' ? value : '';
  };
  if (values['tls'] === true && values['insecure'] === true) throw new UsageError('--tls and --insecure exclude each other: leave one out');
  const authorization = text('authorization');
  if (authorization !== 'rbac' && authorization !== 'always-allow') {
    throw new UsageError(`--authorization takes rbac or always-allow, not ${JSON.stringify(authorization)}`);
  }
  const range = /^(\d+)-(\d+)$/.exec(text('node-port-range'));
  if (range === null)
    throw new UsageError(`--node-port-range takes FIRST-LAST, e.g. 30000-32767, not ${JSON.stringify(text('node-port-range'))}`);
  const data = text('data');
  const controllers = values['no-controllers'] === true;
  return {
    help: values['help'] === true,
    kubeconfig: text('kubeconfig') === '' ? undefined : text('kubeconfig'),
    options: {
      port: whole('port', text('port'), 0, 65535),
      host: text('host'),
      historySize: whole('watch-history', text('watch-history'), 1, 10_000_000),
      authorization,
      network: { serviceCidrs: text('service-cidr').split(','), nodePorts: [Number(range[1]), Number(range[2])] },
      ...(values['tls'] === true ? { tls: {} } : {}),
      ...(data === '' ? {} : { data }),
      ...(controllers ? { controllers: { all: false } } : {}),
    },
  };
}

function parse(args: readonly string[]): Record<string, unknown> {
  const options = Object.fromEntries(Object.entries(FLAGS).map(([name, { type }]) => [name, { type }]));
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)} (see --help)`);
  }
}

function whole(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new UsageError(`--${flag} takes a number from ${min} to ${max}, not ${JSON.stringify(text)}`);
  return value;
}
