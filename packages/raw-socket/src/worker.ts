import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { RawSocketError } from './error.ts';

/**
 * Starts a worker whose source is TypeScript. `url` is `new URL('./wire.ts', import.meta.url)`: from source the file runs through tsx,
 * and in a bundle, where there is no such file, `./wire.mjs` (or `.js`) beside the bundle runs instead; the bundler is given the
 * worker as an entry of its own.
 */
export function startWorker(url: URL, options: WorkerOptions = {}): Worker {
  const path = fileURLToPath(url);
  if (!path.endsWith('.ts')) return new Worker(url, options);
  if (!existsSync(path)) {
    const built = ['.mjs', '.js'].map(extension => path.slice(0, -3) + extension).find(candidate => existsSync(candidate));
    if (built === undefined)
      throw new RawSocketError('InvalidArgument', `no worker at ${path}, nor ${path.slice(0, -3)}.mjs beside the bundle`);
    return new Worker(built, options);
  }
  return new Worker(new URL('./worker-bootstrap.mjs', import.meta.url), {
    ...options,
    execArgv: options.execArgv ?? [],
    workerData: { entry: url.href, data: options.workerData as unknown },
  });
}
