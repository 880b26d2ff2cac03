import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, describe, expect, test } from 'vitest';
import { startWorker } from './worker.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});
const temporary = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'raw-socket-worker-'));
  closers.push(() => rmSync(path, { recursive: true }));
  return path;
};
const source = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

describe('startWorker', () => {
  test('in a bundle: the worker beside it runs, without tsx and without the sources', async () => {
    const folder = temporary();
    writeFileSync(
      join(folder, 'main.ts'),
      `import { LoopWorker } from ${JSON.stringify(source('./loop-worker.ts'))};
       const worker = LoopWorker.start(new URL('./loop-worker.fixture.ts', import.meta.url), { data: { greeting: 'bundled' } });
       worker.onMessage(message => {
         if (message === 'bundled hello') void worker.stop().then(code => console.log('stopped', code));
       });
       worker.post({ echo: 'hello' });`,
    );
    const outdir = join(folder, 'dist');
    await build({
      entryPoints: [join(folder, 'main.ts'), source('./loop-worker.fixture.ts')],
      entryNames: '[name]',
      outdir,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['koffi'],
      logLevel: 'error',
    });
    symlinkSync(source('../../../node_modules'), join(folder, 'node_modules'));
    expect(execFileSync(process.execPath, [join(outdir, 'main.mjs')], { encoding: 'utf8', timeout: 15_000 })).toBe('stopped 0\n');
  });

  test('no source and no bundle: the error names both places', () => {
    const folder = temporary();
    expect(() => startWorker(new URL(`file://${folder}/wire.ts`))).toThrow(`no worker at ${folder}/wire.ts, nor ${folder}/wire.mjs`);
  });
});
