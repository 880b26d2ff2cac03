import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { startApiServer } from 'kube-apiserver-lite';
import { check, loadPlays, loadRecord, pool, type Target } from './player.ts';

/**
 * `npm run test:contract`: without arguments all contract tests; with `--only`, `--url` or KUBECONFIG the recorded plays
 * alone, against the embedded server or any cluster, with every difference.
 */

const HELP = `Usage: npm run test:contract -- [--only PREFIX] [--url URL] [--verbose] [--jobs N]

  --only PREFIX  only plays whose name starts so, e.g. service/
  --url URL      an API server reached without TLS and with all rights, e.g. through kubectl proxy
  --jobs N       plays at a time (default 16; 1 for a cluster that is slow)
  --verbose      every difference, not the first few of a play

With KUBECONFIG set, the plays run against that cluster; without anything, all contract tests run here.
`;

const SHOWN = 6;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      url: { type: 'string' },
      jobs: { type: 'string', default: '16' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const kubeconfig = process.env['KUBECONFIG'];
  if (values.only === undefined && values.url === undefined && kubeconfig === undefined) return vitest();
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1) throw new Error(`--jobs takes a number from 1 on, not ${JSON.stringify(values.jobs)}`);
  const target = values.url === undefined && kubeconfig !== undefined ? await fromKubeconfig(kubeconfig) : undefined;
  const given = values.url === undefined ? target : { url: values.url };
  if (given !== undefined) return play(given, values.only ?? '', jobs, values.verbose ? Number.POSITIVE_INFINITY : SHOWN);
  const server = await startApiServer({ network: { serviceCidrs: ['10.43.0.0/16', '2001:cafe:43::/112'] } });
  try {
    return await play(server, values.only ?? '', jobs, values.verbose ? Number.POSITIVE_INFINITY : SHOWN);
  } finally {
    await server.close();
  }
}

async function play(target: Target, only: string, jobs: number, shown: number): Promise<number> {
  const plays = (await loadPlays()).filter(({ name }) => name.startsWith(only));
  if (plays.length === 0) throw new Error(`no play's name starts with ${JSON.stringify(only)}`);
  const record = loadRecord();
  let failed = 0;
  await pool(plays, jobs, async one => {
    const lines = await check(target, one, record[one.name]).catch((error: unknown) => [String(error)]);
    if (lines.length === 0) return;
    failed++;
    process.stdout.write(
      `differs: ${one.name}${one.desc === undefined ? '' : ` (${one.desc})`}\n${lines
        .slice(0, shown)
        .map(line => `    ${line}\n`)
        .join('')}`,
    );
  });
  process.stdout.write(`${plays.length - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

/** The current context's server and credentials. */
async function fromKubeconfig(path: string): Promise<Target> {
  const config = new KubeConfig();
  config.loadFromFile(path);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error(`${path} names no current cluster: set current-context`);
  const tls: import('node:https').RequestOptions = {};
  await config.applyToHTTPSOptions(tls);
  const { headers, ...rest } = tls;
  return { url: cluster.server, tls: rest, headers: (headers ?? {}) as Record<string, string> };
}

function vitest(): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('npx', ['vitest', 'run', '--project', 'contract'], { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', code => resolve(code ?? 1));
  });
}

main().then(
  code => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`test:contract: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  },
);
