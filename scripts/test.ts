import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunReport, type Settled, settle } from './test-report.ts';

/** `make test`: checks, then every level of tests, then what failed and one closing line. With words, only those parts. */

const CHECKS: Readonly<Record<string, readonly string[]>> = {
  types: ['tsc', '-b'],
  lint: ['oxlint', '--type-aware', '--max-warnings', '0'],
  format: ['biome', 'check', '.'],
  'unused code': ['knip'],
};
const LEVELS = ['unit', 'contract', 'interop', 'e2e'];

/**
 * The levels of which a file that fails is run again from its clean state: those with real time, daemons and
 * packets everywhere, and all of them in CI, whose machine may stand still for a moment. It is said when it happens.
 */
const AGAIN = process.env['CI'] ? LEVELS : ['interop', 'e2e'];
/** More files than this do not fail by chance. */
const MOST_AGAIN = 3;

async function main(asked: readonly string[]): Promise<number> {
  const parts: Settled[] = [];
  const wants = (part: string): boolean => asked.length === 0 || asked.includes(part);
  if (wants('check')) for (const [name, argv] of Object.entries(CHECKS)) parts.push(await check(name, argv));
  for (const level of LEVELS) if (wants(level)) parts.push(await tests(level));
  const count = (field: 'passed' | 'skipped'): number => parts.reduce((sum, part) => sum + part[field], 0);
  const failed = parts.flatMap(part => part.failed);
  const passedLater = parts.flatMap(part => part.passedLater);
  list('Failed at first, passed when run again', passedLater);
  list('Failed', failed);
  const skipped = count('skipped');
  console.log(`\n${count('passed')} passed, ${failed.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return failed.length > 0 || count('passed') === 0 ? 1 : 0;
}

function list(title: string, lines: readonly string[]): void {
  if (lines.length > 0) console.log(`\n${title}:\n${lines.map(line => `  ${line}`).join('\n')}`);
}

async function check(name: string, argv: readonly string[]): Promise<Settled> {
  console.log(`\n== ${name}`);
  const code = await run('npx', ['--no-install', ...argv]);
  return { passed: code === 0 ? 1 : 0, skipped: 0, failed: code === 0 ? [] : [`${name}: ${argv.join(' ')}`], passedLater: [] };
}

async function tests(level: string): Promise<Settled> {
  console.log(`\n== ${level} tests`);
  const first = await vitest(level, []);
  const failed = first.files.filter(file => file.failed.length > 0).map(({ file }) => file);
  if (failed.length === 0 || failed.length > MOST_AGAIN || !AGAIN.includes(level)) return settle(first);
  console.log(`\n== once more: ${failed.join(', ')}`);
  return settle(first, await vitest(level, failed));
}

async function vitest(level: string, files: readonly string[]): Promise<RunReport> {
  const directory = mkdtempSync(join(tmpdir(), 'herald-test-'));
  try {
    const file = join(directory, 'report.json');
    const reporters = ['--reporter=default', `--reporter=${fileURLToPath(new URL('test-report.ts', import.meta.url))}`];
    const argv = ['--no-install', 'vitest', 'run', '--project', level, '--passWithNoTests', ...reporters, ...files];
    const code = await run('npx', argv, { HERALD_TEST_REPORT: file });
    const report = JSON.parse(readFileSync(file, 'utf8')) as RunReport;
    const silent = code !== 0 && report.errors.length === 0 && report.files.every(({ failed }) => failed.length === 0);
    return silent ? { ...report, errors: [`${level} tests: vitest ended with ${code}`] } : report;
  } catch (error) {
    return { files: [], errors: [`${level} tests: ${error instanceof Error ? error.message : String(error)}`] };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function run(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise(resolve => {
    const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
    child.once('error', () => resolve(127));
    child.once('exit', code => resolve(code ?? 1));
  });
}

process.exitCode = await main(process.argv.slice(2));
