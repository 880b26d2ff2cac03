import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
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
  const shown = values.verbose ? Number.POSITIVE_INFINITY : SHOWN;
  const only = values.only ?? '';
  if (values.url !== undefined) return play({ url: values.url }, only, jobs, shown);
  if (kubeconfig !== undefined) return proxied(target => play(target, only, jobs, shown));
  const server = await startApiServer({ network: { serviceCidrs: ['10.43.0.0/16', '2001:cafe:43::/112'] } });
  try {
    return await play(server, only, jobs, shown);
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

/** Whatever a kubeconfig needs to get in, kubectl knows it: plays go through its proxy. */
async function proxied(work: (target: Target) => Promise<number>): Promise<number> {
  const proxy = spawn('kubectl', ['proxy', '--port=0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>((resolve, reject) => {
    proxy.once('error', reject);
    proxy.once('exit', () => resolve());
  });
  try {
    for await (const line of createInterface({ input: proxy.stdout })) {
      const address = /Starting to serve on (\S+)/.exec(line)?.[1];
      if (address !== undefined) return await work({ url: `http://${address}` });
    }
    throw new Error('kubectl proxy ended before it served: check KUBECONFIG');
  } finally {
    proxy.kill();
    await exited;
  }
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
