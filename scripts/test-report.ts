import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** What one file of tests came to. */
export interface FileReport {
  /** Its path, relative to the folder that the tests run in. */
  readonly file: string;
  readonly passed: number;
  readonly skipped: number;
  /** One line for each test, hook or error outside of every test that failed: what, and the first line of why. */
  readonly failed: readonly string[];
}

/** What a run came to: its files, and the errors that belong to none of them. */
export interface RunReport {
  readonly files: readonly FileReport[];
  readonly errors: readonly string[];
}

export interface Settled {
  readonly passed: number;
  readonly skipped: number;
  /** What failed for good: one line each, with its file. */
  readonly failed: readonly string[];
  /** What failed at first and passed when its file was run again. */
  readonly passedLater: readonly string[];
}

const failures = ({ file, failed }: FileReport): string[] => failed.map(line => `${file} > ${line}`);

/**
 * The outcome of a run after which the files that failed were run again: those count as they ended, and what the
 * second run does not speak of counts as it was.
 */
export function settle(first: RunReport, second?: RunReport): Settled {
  const again = new Map(second?.files.map(file => [file.file, file]));
  const ended = first.files.map(file => again.get(file.file) ?? file);
  const mended = first.files.filter(file => again.get(file.file)?.failed.length === 0);
  return {
    passed: ended.reduce((sum, { passed }) => sum + passed, 0),
    skipped: ended.reduce((sum, { skipped }) => sum + skipped, 0),
    failed: [...ended.flatMap(failures), ...first.errors, ...(second?.errors ?? [])],
    passedLater: mended.flatMap(failures),
  };
}

/** A reporter of Vitest that writes a {@link RunReport} as JSON into the file that `HERALD_TEST_REPORT` names. */
export default class TestReport implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env['HERALD_TEST_REPORT'];
    if (file === undefined) throw new Error('HERALD_TEST_REPORT does not say where the report goes');
    const stray = unhandled.map(error => ({ path: pathOf(error), line: `outside of every test: ${firstLine(error)}` }));
    const files = modules.map(module =>
      fileReport(
        module,
        stray.flatMap(({ path, line }) => (path === module.moduleId ? [line] : [])),
      ),
    );
    const known = new Set(modules.map(({ moduleId }) => moduleId));
    const errors = stray.filter(({ path }) => path === undefined || !known.has(path)).map(({ line }) => line);
    writeFileSync(file, JSON.stringify({ files, errors } satisfies RunReport));
  }
}

function fileReport(module: TestModule, stray: readonly string[]): FileReport {
  const failed = module.errors().map(error => `does not load: ${firstLine(error)}`);
  for (const suite of module.children.allSuites())
    failed.push(...suite.errors().map(error => `${suite.fullName}, set-up: ${firstLine(error)}`));
  const count = { passed: 0, skipped: 0 };
  for (const test of module.children.allTests()) {
    const { state, errors } = test.result();
    if (state === 'passed') count.passed++;
    else if (state === 'failed') failed.push(`${test.fullName}: ${firstLine(errors[0])}`);
    else count.skipped++;
  }
  return { file: relative(process.cwd(), module.moduleId), ...count, failed: [...failed, ...stray] };
}

function firstLine(error: { message?: string } | undefined): string {
  return (error?.message ?? 'no reason given').split('\n')[0] ?? '';
}

/** The file of tests that was running when an error came from outside of every test, as Vitest notes it. */
function pathOf(error: SerializedError): string | undefined {
  const path: unknown = error['VITEST_TEST_PATH'];
  return typeof path === 'string' ? path : undefined;
}
