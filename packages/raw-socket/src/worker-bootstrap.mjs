// Runs before a worker whose source is TypeScript. It registers tsx in the worker itself: neither `--import tsx` on the command line nor
// vitest's transform reaches a worker thread on every Node version this package runs on.
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';
import { register } from 'tsx/esm/api';

const { entry, data } = threads.workerData;
threads.workerData = data;
syncBuiltinESMExports();
register();
await import(entry);
