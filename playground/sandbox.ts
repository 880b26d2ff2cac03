import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PlaygroundError } from './errors.ts';

/** Where every command runs: the sources that they are. */
export const repository = fileURLToPath(new URL('..', import.meta.url));

/** What a finished command left: its exit code and everything that it printed. */
export interface ExecResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface ExecOptions {
  /** Fed to the command's standard input. */
  input?: string;
  /** Milliseconds until the command is killed; 30 s unless told. */
  timeout?: number;
}

/**
 * A private mount and network namespace on this machine, in which `ip netns` names are ours alone.
 *
 * A small holder process keeps both namespaces; its standard input is a pipe from us. When we end, however we end, the pipe closes, the holder
 * removes the run directory and exits, and the kernel takes every interface, bridge and named namespace down with the last process in them.
 * So nothing has to be cleaned up after a crash, runs do not see each other, and a normal user may run one where user namespaces are allowed.
 */
export class Sandbox {
  readonly #holder: ChildProcess;
  readonly #enter: readonly string[];
  readonly #children = new Set<ChildProcess>();
  /** Process id (on the host) of the holder: what `nsenter --target` takes. */
  readonly pid: number;

  private constructor(holder: ChildProcess, pid: number, enter: readonly string[]) {
    this.#holder = holder;
    this.pid = pid;
    this.#enter = enter;
  }

  /** @param directory removed by the holder when everything ends. */
  static async start(directory: string): Promise<Sandbox> {
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const hold =
      'mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up && echo ready && cat >/dev/null; rm -rf "$1"';
    const holder = spawn('unshare', [...user, '--mount', '--net', '--fork', '--kill-child', 'sh', '-c', hold, 'holder', directory], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let said = '';
    holder.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ready = new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve());
      holder.once('error', reject);
      holder.once('exit', () =>
        reject(
          new PlaygroundError(
            'ENAMESPACES',
            `this machine does not let us make network namespaces: ${said.trim() || 'unshare failed'}; run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)`,
          ),
        ),
      );
    });
    await ready;
    const pid = Number(readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').trim().split(' ')[0]);
    holder.unref();
    return new Sandbox(holder, pid, enterArguments(pid, repository));
  }

  /** The argument vector that runs `argv` in a named namespace (or, without a name, in the sandbox's own, where the LAN's bridge is). */
  command(namespace: string | undefined, argv: readonly string[]): string[] {
    return [...this.#enter, ...(namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace]), ...argv];
  }

  /** Runs a command to its end. A non-zero exit code is returned, not thrown. */
  exec(namespace: string | undefined, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return run(this.command(namespace, argv), options);
  }

  /** Like {@link exec}, but a failing command is an error that quotes what it said. */
  async must(namespace: string | undefined, argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    const result = await this.exec(namespace, argv, options);
    if (result.code !== 0)
      throw new PlaygroundError('ECOMMAND', `${argv.join(' ')}: ${result.stderr.trim() || `exit code ${result.code}`}`);
    return result.stdout;
  }

  /** Starts a long-running program. It dies with this process, also when this process is killed (`PR_SET_PDEATHSIG`). */
  spawn(namespace: string | undefined, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [file, ...rest] = this.command(namespace, ['setpriv', '--pdeathsig', 'KILL', ...argv]);
    return this.#track(spawn(file as string, rest, { stdio: ['ignore', 'pipe', 'pipe'], ...options, detached: true }));
  }

  #track(child: ChildProcess): ChildProcess {
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** Like {@link spawn}, outside of the sandbox: for what runs beside the API server. */
  spawnOutside(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return this.#track(
      spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], { stdio: ['ignore', 'pipe', 'pipe'], ...options, detached: true }),
    );
  }

  /** Kills every program still running in the sandbox and lets the holder go. */
  async stop(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all([...this.#children].map(child => once(child, 'exit')));
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const gone = once(this.#holder, 'exit');
    this.#holder.ref();
    this.#holder.stdin?.end();
    await gone;
  }
}

/** The `nsenter` words that lead into the namespaces of a holder, where commands run in `directory`. */
export function enterArguments(pid: number, directory: string): string[] {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials'];
  return ['nsenter', '--target', String(pid), ...user, '--mount', '--net', `--wdns=${directory}`, '--'];
}

/** Runs a program to its end, without a shell. */
export function run(argv: readonly string[], options: ExecOptions & { env?: NodeJS.ProcessEnv; cwd?: string } = {}): Promise<ExecResult> {
  const [file, ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = execFile(
      file as string,
      rest,
      {
        timeout: options.timeout ?? 30_000,
        maxBuffer: 64 << 20,
        killSignal: 'SIGKILL',
        ...(options.env ? { env: options.env } : {}),
        ...(options.cwd ? { cwd: options.cwd } : {}),
      },
      (error, stdout, stderr) => {
        if (error && typeof error.code === 'string') reject(new PlaygroundError('ECOMMAND', `cannot run ${file}: ${error.message}`));
        else resolve({ code: error ? Number(error.code ?? 124) : 0, stdout, stderr });
      },
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}
