import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** By default one core is left idle, which on a small machine is half of it. */
const maxWorkers = Math.max(2, availableParallelism() - 1);
const skip = ['**/node_modules/**', '**/.build/**', '**/dist/**'];

/** One project per level: `unit` lies beside the code; the others cross packages and stand under test/. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{packages,crds,controller,speaker,playground,cli,scripts}/**/*.test.ts', 'test/unit/**/*.test.ts'],
          exclude: skip,
          testTimeout: 20_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          exclude: skip,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          exclude: skip,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: skip,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // A cluster mostly waits: three of them, and two guides of a file, keep two cores busy.
          maxWorkers: 3,
          maxConcurrency: 2,
        },
      },
    ],
  },
});
