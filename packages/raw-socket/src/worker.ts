import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { RawSocketError } from './error.ts';

// Registers tsx in the worker itself: neither `--import tsx` on the command line nor vitest's transform reaches a worker thread on
// every Node version this package runs on.
const bootstrap = `
const { workerData } = require('node:worker_threads');
const { loader, entry, data } = workerData;
require('node:worker_threads').workerData = data;
require('node:module').syncBuiltinESMExports();
import(loader).then(({ register }) => { register(); return import(entry); }).catch(error => { setImmediate(() => { throw error; }); });
`;

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
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm/api')).href;
  return new Worker(bootstrap, {
    ...options,
    eval: true,
    execArgv: options.execArgv ?? [],
    workerData: { loader, entry: url.href, data: options.workerData },
  });
}
