import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `make test`: checks, then every level of tests, then one closing line. With words, only those parts. */

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  numFailedTestSuites: number;
  success: boolean;
}

const CHECKS: Readonly<Record<string, readonly string[]>> = {
  types: ['tsc', '-b'],
  lint: ['oxlint', '--type-aware', '--max-warnings', '0'],
  format: ['biome', 'check', '.'],
  'unused code': ['knip'],
};
const LEVELS = ['unit', 'contract', 'interop', 'e2e'];

async function main(asked: readonly string[]): Promise<number> {
  const total: Count = { passed: 0, failed: 0, skipped: 0 };
  const wants = (part: string): boolean => asked.length === 0 || asked.includes(part);
  if (wants('check')) for (const [name, argv] of Object.entries(CHECKS)) add(total, await check(name, argv));
  for (const level of LEVELS) if (wants(level)) add(total, await tests(level));
  console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

async function check(name: string, argv: readonly string[]): Promise<Count> {
  console.log(`\n== ${name}`);
  const code = await run('npx', ['--no-install', ...argv]);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

async function tests(level: string): Promise<Count> {
  console.log(`\n== ${level} tests`);
  const directory = mkdtempSync(join(tmpdir(), 'herald-test-'));
  try {
    const file = join(directory, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const code = await run('npx', ['--no-install', 'vitest', 'run', '--project', level, '--passWithNoTests', ...reporters]);
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    const failed = report.numFailedTests;
    // A file that does not load, or an error outside of every test, fails the run without failing a test.
    return {
      passed: report.numPassedTests,
      failed: failed > 0 || code === 0 ? failed : 1,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function run(file: string, args: readonly string[]): Promise<number> {
  return new Promise(resolve => {
    const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', () => resolve(127));
    child.once('exit', code => resolve(code ?? 1));
  });
}

function add(total: Count, more: Count): void {
  total.passed += more.passed;
  total.failed += more.failed;
  total.skipped += more.skipped;
}

process.exitCode = await main(process.argv.slice(2));
