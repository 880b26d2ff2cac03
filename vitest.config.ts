import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** By default one core is left idle, which on a small machine is half of it. */
const maxWorkers = Math.max(2, availableParallelism() - 1);
const skip = ['**/node_modules/**', '**/.build/**', '**/dist/**'];

/** The files that take minutes, longest first: what starts last must not be what takes longest. */
const LONG = ['demo', 'guides', 'image', 'connections', 'drain', 'alerts', 'bgp-restart'];

function place({ moduleId }: TestSpecification): number {
  const found = LONG.findIndex(name => moduleId.endsWith(`/test/e2e/${name}.test.ts`));
  return found < 0 ? LONG.length : found;
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

/** One project per level: `unit` lies beside the code; the others cross packages and stand under test/. */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
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
