import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { helmPath } from '@herald/charts';
import { type ExecResult, type Playground, run } from '@herald/playground';
import { type CommandStep, type Guide, mismatch, type Step } from './guide.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** What a guide may name by its path in the repository. */
const LINKED = ['charts', 'crds', 'deploy', 'docs', 'examples'];
/** Run on the LAN's client: the machine at which a reader of a guide sits. */
const CLIENT_PROGRAMS = ['arping', 'dig', 'ip', 'nc', 'ping'];
/** Longest time of one try of one command (ms). */
const COMMAND_TIMEOUT = 90_000;
const PAUSE = 200;

/**
 * The desk at which a guide is worked through: a folder for its files, with the repository's folders beside them, and a PATH on which
 * `kubectl`, `helm` and `herald` are those of this repository, `curl` and its like run on the LAN's client, `ssh HOST` on a host of the
 * playground, and `vtysh` (behind `ssh router`) talks to its FRR.
 */
export class Desk {
  readonly folder: string;
  readonly #playground: Playground | undefined;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(folder: string, playground: Playground | undefined, env: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.#playground = playground;
    this.#env = env;
  }

  static async open(playground: Playground | undefined, name: string): Promise<Desk> {
    const folder = await mkdtemp(join(tmpdir(), 'herald-guide-'));
    const bin = join(folder, '.bin');
    await mkdir(join(bin, 'hosts'), { recursive: true });
    await Promise.all(LINKED.map(entry => symlink(join(repository, entry), join(folder, entry))));
    const programs = new Map(Object.entries(heraldPrograms(playground)));
    if (playground !== undefined) {
      const enter = (host: string) => words(playground.sandbox.command(host, []));
      for (const program of CLIENT_PROGRAMS) programs.set(program, `exec ${enter('client')} ${program} "$@"`);
      // At a terminal curl shows no progress meter for so little.
      programs.set('curl', `exec ${enter('client')} curl -sS "$@"`);
      programs.set('ssh', ssh(playground, join(bin, 'hosts')));
      const frr = join(playground.directory, 'frr');
      // Its own folder, which is on the PATH behind `ssh` alone.
      programs.set('hosts/vtysh', `exec vtysh --vty_socket ${frr} --config_dir ${frr} "$@"`);
    }
    for (const [program, text] of programs) {
      // Without this folder: `curl` means the real one there, and so does the `ip` that enters a namespace.
      await writeFile(join(bin, program), `#!/bin/sh\nPATH=${words([process.env['PATH'] ?? ''])}\n${text}\n`);
      await chmod(join(bin, program), 0o755);
    }
    const helm = helmPath();
    const path = [bin, ...(helm === undefined ? [] : [dirname(helm)]), process.env['PATH'] ?? ''].join(delimiter);
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      PATH: path,
      HOME: folder,
      HERALD_PLAYGROUND: name,
      ...(playground === undefined ? {} : { KUBECONFIG: playground.kubeconfig }),
    };
    return new Desk(folder, playground, env);
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Works a guide through to its end, or to the first thing that is not as the guide says. */
  async work(guide: Guide, log: (line: string) => void = () => undefined): Promise<void> {
    for (const step of guide.steps) await this.#step(step, log);
  }

  async #step(step: Step, log: (line: string) => void): Promise<void> {
    if (step.kind === 'file') return writeFile(join(this.folder, step.name), step.text);
    log(`$ ${step.command}`);
    const deadline = performance.now() + step.wait * 1000;
    for (;;) {
      const result = await this.#run(step.command);
      const wrong = fault(step, result);
      if (wrong === undefined) return;
      if (performance.now() >= deadline) throw new Error(explain(step, result, wrong) + (this.#playground?.logTails() ?? ''));
      await sleep(PAUSE);
    }
  }

  /** In a shell, as the reader does; variables and the folder go on from one command to the next. */
  #run(command: string): Promise<ExecResult> {
    // Errors where they came, as at a terminal.
    const script = `exec 2>&1; set -o pipefail; [ -f .env ] && . ./.env
cd "$(cat .cwd 2>/dev/null || pwd)"
${command}
code=$?; export -p > "$DESK/.env"; pwd > "$DESK/.cwd"; exit $code`;
    return run(['bash', '-c', script], { cwd: this.folder, env: { ...this.#env, DESK: this.folder }, timeout: COMMAND_TIMEOUT });
  }
}

/** `herald`, and `kubectl herald`: the bundle that the playground runs; what is not in the bundle, from source. */
function heraldPrograms(playground: Playground | undefined): Record<string, string> {
  const source = `exec ${words([process.execPath, '--import', import.meta.resolve('tsx'), join(repository, 'cli/herald.ts')])} "$@"`;
  if (playground === undefined) return { herald: source, 'kubectl-herald': source };
  const bundle = `exec ${words([process.execPath, join(playground.directory, 'herald/herald.mjs')])} "$@"`;
  const text = `case "$1" in playground) ${source};; *) ${bundle};; esac`;
  return { herald: text, 'kubectl-herald': text };
}

function ssh(playground: Playground, programs: string): string {
  const hosts = ['client', 'router', 'outside', ...playground.topology.nodes.map(node => node.name)];
  const cases = hosts.map(host => `${host}) exec ${words(playground.sandbox.command(host, []))} env PATH=${programs}:"$PATH" sh -c "$*";;`);
  return `host="$1"; shift; case "$host" in ${cases.join(' ')} *) echo "ssh: no host $host in the playground" >&2; exit 255;; esac`;
}

/** Words for a shell; they are paths and names of this repository's own. */
function words(list: readonly string[]): string {
  return list.map(word => (/^[\w./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(' ');
}

function fault(step: CommandStep, { code, stdout, stderr }: ExecResult): string | undefined {
  if (code !== step.exit) return `ended with code ${code}, not ${step.exit}`;
  if (step.output === undefined) return undefined;
  const missing = mismatch(step.output, stdout + stderr);
  return missing === undefined ? undefined : `the output differs; expected: ${missing}`;
}

function explain(step: CommandStep, { stdout, stderr }: ExecResult, wrong: string): string {
  const tried = step.wait > 0 ? ` (tried for ${step.wait} s)` : '';
  const expected = step.output === undefined ? [] : ['--- the guide shows', ...step.output];
  return [`line ${step.line}: ${wrong}${tried}`, `$ ${step.command}`, ...expected, '--- it printed', stdout + stderr].join('\n');
}
