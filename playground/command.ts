import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectTo } from '@herald/kube';
import { type Command, Option } from 'commander';
import { ask, Control, type PlaygroundStatus, running } from './control.ts';
import { demo } from './demo.ts';
import { PlaygroundError } from './errors.ts';
import { applyFiles, getTable } from './kubectl.ts';
import { Playground, runDirectory } from './playground.ts';
import { enterArguments } from './sandbox.ts';

/** Adds `herald playground …`: a cluster, a LAN and a client as network namespaces on this machine. */
export function registerPlayground(program: Command): void {
  const playground = program.command('playground').description('a whole cluster, LAN and client on this machine, as network namespaces');
  const add = (name: string, description: string): Command => playground.command(name).description(description).addOption(named());

  add('up', 'start a playground and keep it until Ctrl-C or `playground down`')
    .option('--nodes <n>', 'number of nodes', wholeNumber, 3)
    .option('--detach', 'return when it is up; it goes on in the background')
    .action(up);
  add('down', 'stop a running playground').action(down);
  add('kubeconfig', 'print the path of its kubeconfig').action(async (options: Named) => {
    console.log((await statusOf(options)).kubeconfig);
  });
  add('exec', 'run a command on a node (dn0), in its pods (dn0-pods) or on the client')
    .argument('<host>')
    .argument('<command...>')
    .action(execute);
  for (const verb of ['fail', 'heal'] as const) {
    add(verb, verb === 'fail' ? 'power a node off' : 'power a failed node on again')
      .argument('<node>')
      .action(async (node: string, options: Named) => {
        await ask(runDirectory(options.name), verb, node);
        console.log(`${node}: ${verb === 'fail' ? 'off' : 'on'}`);
      });
  }
  add('router', "start FRR on the LAN's router (AS 64501, 192.168.150.1), and run a command of its shell there")
    .argument('[command]', "such as 'show bgp summary'")
    .action(async (command: string | undefined, options: Named) => {
      const { output } = (await ask(runDirectory(options.name), 'router', command)) as { output: string };
      if (command === undefined)
        console.log("router: FRR takes routes on 192.168.150.1, AS 64501; see: herald playground router 'show bgp summary'");
      else process.stdout.write(output);
    });
  add('apply', 'apply YAML files, where there is no kubectl')
    .requiredOption('-f, --filename <path...>', 'files or folders')
    .action(async (options: Named & { filename: string[] }) => {
      const { server } = await statusOf(options);
      const client = connectTo(server);
      try {
        for (const line of await applyFiles(client, server, options.filename)) console.log(line);
      } finally {
        client.close();
      }
    });
  add('get', 'print objects of a kind, where there is no kubectl')
    .argument('<kind>')
    .option('-n, --namespace <namespace>', 'one namespace only')
    .action(async (kind: string, options: Named & { namespace?: string }) => {
      process.stdout.write(await getTable((await statusOf(options)).server, kind, options.namespace));
    });
  playground
    .command('demo')
    .description('the tour: a Service gets an address, the address answers, its node dies, it answers again')
    .action(async () => {
      const code = await untilInterrupted(signal => demo(signal));
      process.exitCode = code;
    });
}

function named(): Option {
  return new Option('--name <name>', 'tells playgrounds on one machine apart').default('default').env('HERALD_PLAYGROUND');
}

interface Named {
  name: string;
}

async function up(options: Named & { nodes: number; detach?: boolean }): Promise<void> {
  const directory = runDirectory(options.name);
  if (await running(directory))
    throw new PlaygroundError(
      'ERUNNING',
      `a playground named ${options.name} is up; see: herald playground kubeconfig, herald playground down`,
    );
  if (options.detach) {
    await detach(options, directory);
    return;
  }
  await untilInterrupted(async signal => {
    const playground = await Playground.start({ name: options.name, nodes: options.nodes, log: line => console.log(`- ${line}`) });
    const stop = new AbortController();
    const control = await Control.start(playground, () => stop.abort());
    try {
      console.log(`\nup: export KUBECONFIG=${playground.kubeconfig}`);
      console.log(
        'then: kubectl get nodes; kubectl apply -f examples/layer2 -f examples/services; herald playground exec client -- curl http://ADDRESS',
      );
      await aborted(AbortSignal.any([signal, stop.signal]));
    } finally {
      await control.stop();
      await playground.stop();
    }
    return 0;
  });
}

/** Starts `playground up` in a session of its own and waits until it answers. */
async function detach(options: Named & { nodes: number }, directory: string): Promise<void> {
  const log = join(tmpdir(), `herald-playground-${process.getuid?.() ?? 0}-${options.name}.log`);
  const file = openSync(log, 'w', 0o600);
  const words = [
    ...process.execArgv,
    process.argv[1] as string,
    'playground',
    'up',
    '--name',
    options.name,
    '--nodes',
    String(options.nodes),
  ];
  const child = spawn(process.execPath, words, { detached: true, stdio: ['ignore', file, file] });
  closeSync(file);
  let ended = false;
  child.once('exit', () => (ended = true));
  for (let waited = 0; waited < 120_000; waited += 100) {
    const status = ended ? undefined : await running(directory);
    if (status) {
      child.unref();
      rmSync(log, { force: true });
      console.log(`up: export KUBECONFIG=${status.kubeconfig}`);
      return;
    }
    if (ended) break;
    await sleep(100);
  }
  child.kill('SIGTERM');
  const said = readFileSync(log, 'utf8');
  rmSync(log, { force: true });
  throw new PlaygroundError('ENOTREADY', `the playground did not come up:\n${said}`);
}

async function down(options: Named): Promise<void> {
  const directory = runDirectory(options.name);
  const { pid } = await statusOf(options);
  await ask(directory, 'stop');
  for (let waited = 0; waited < 30_000 && alive(pid); waited += 50) await sleep(50);
  if (alive(pid))
    throw new PlaygroundError('ENOTREADY', `the playground (process ${pid}) does not end; kill it: nothing of it stays behind`);
  console.log('down');
}

async function execute(host: string, command: string[], options: Named): Promise<void> {
  const status = await statusOf(options);
  if (!status.hosts.includes(host)) throw new PlaygroundError('EUNKNOWN', `there is no host ${host}; hosts: ${status.hosts.join(', ')}`);
  const [file, ...rest] = [...enterArguments(status.holder, process.cwd()), 'ip', 'netns', 'exec', host, ...command];
  const child = spawn(file as string, rest, { stdio: 'inherit' });
  process.exitCode = await new Promise<number>(resolve => {
    child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 130)));
    child.once('error', () => resolve(127));
  });
}

async function statusOf(options: Named): Promise<PlaygroundStatus> {
  return (await ask(runDirectory(options.name), 'status')) as PlaygroundStatus;
}

/** Runs `work` with a signal that Ctrl-C and SIGTERM abort; a second one ends at once (the sandbox cleans up by itself). */
async function untilInterrupted(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const abort = new AbortController();
  const onSignal = (): void => {
    if (abort.signal.aborted) process.exit(130);
    abort.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  try {
    return await work(abort.signal);
  } finally {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, onSignal);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value)) throw new PlaygroundError('EUNKNOWN', `not a whole number: ${text}`);
  return value;
}
