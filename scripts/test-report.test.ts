import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FileReport, type RunReport, settle } from './test-report.ts';

const file = (name: string, passed: number, ...failed: string[]): FileReport => ({ file: name, passed, skipped: 1, failed });

describe('settle', () => {
  it.each<{ title: string; first: RunReport; second?: RunReport; settled: ReturnType<typeof settle> }>([
    {
      title: 'a run that nothing follows',
      first: { files: [file('a', 2), file('b', 1, 'x: why')], errors: ['stray'] },
      settled: { passed: 3, skipped: 2, failed: ['b > x: why', 'stray'], passedLater: [] },
    },
    {
      title: 'a file that passes when it is run again',
      first: { files: [file('a', 2), file('b', 1, 'x: why')], errors: [] },
      second: { files: [file('b', 2)], errors: [] },
      settled: { passed: 4, skipped: 2, failed: [], passedLater: ['b > x: why'] },
    },
    {
      title: 'a file that fails again, in another test',
      first: { files: [file('a', 2), file('b', 1, 'x: why')], errors: [] },
      second: { files: [file('b', 1, 'y: why')], errors: [] },
      settled: { passed: 3, skipped: 2, failed: ['b > y: why'], passedLater: [] },
    },
    {
      title: 'a second run that came to nothing',
      first: { files: [file('a', 2), file('b', 1, 'x: why')], errors: [] },
      second: { files: [], errors: ['vitest ended with 1'] },
      settled: { passed: 3, skipped: 2, failed: ['b > x: why', 'vitest ended with 1'], passedLater: [] },
    },
    {
      title: 'an error of the first run that belongs to no file stays',
      first: { files: [file('b', 1, 'x: why')], errors: ['stray'] },
      second: { files: [file('b', 2)], errors: [] },
      settled: { passed: 2, skipped: 1, failed: ['stray'], passedLater: ['b > x: why'] },
    },
  ])('$title', ({ first, second, settled }) => {
    expect(settle(first, second)).toEqual(settled);
  });
});

describe('the report of a run', () => {
  const root = fileURLToPath(new URL('../', import.meta.url));
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'herald-report-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('counts what passed, and names what failed wherever it failed', () => {
    const files = {
      'mixed.test.ts': `it('holds', () => {}); it('breaks', () => { throw new Error('a reason\\nand more'); }); it.skip('waits', () => {});`,
      'setup.test.ts': `describe('group', () => { beforeAll(() => { throw new Error('no set-up'); }); it('never', () => {}); });`,
      'load.test.ts': `throw new Error('no module');`,
      'stray.test.ts': `it('leaves something', async () => { setTimeout(() => { throw new Error('too late'); }); await new Promise(r => setTimeout(r, 50)); });`,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    const report = join(directory, 'report.json');
    const argv = ['run', '--root', directory, '--globals', `--reporter=${root}scripts/test-report.ts`];
    const { status, stderr } = spawnSync(join(root, 'node_modules/.bin/vitest'), argv, {
      cwd: directory,
      encoding: 'utf8',
      env: { ...process.env, HERALD_TEST_REPORT: report },
    });
    expect(status, stderr).toBe(1);
    const { files: found, errors } = JSON.parse(readFileSync(report, 'utf8')) as RunReport;
    expect(errors).toEqual([]);
    expect(found.toSorted((a, b) => (a.file < b.file ? -1 : 1))).toEqual([
      { file: 'load.test.ts', passed: 0, skipped: 0, failed: ['does not load: no module'] },
      { file: 'mixed.test.ts', passed: 1, skipped: 1, failed: ['breaks: a reason'] },
      { file: 'setup.test.ts', passed: 0, skipped: 1, failed: ['group, set-up: no set-up'] },
      { file: 'stray.test.ts', passed: 1, skipped: 0, failed: ['outside of every test: too late'] },
    ]);
  });
});
