import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Program } from './program.ts';

describe('a program of the playground', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'herald-program-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const start = (script: string, logFile = join(directory, 'log')): Promise<Program> =>
    Program.start(spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] }), { name: 'sh', logFile, ready: /ready/ });

  it('is heard to its last word before it counts as ended', async () => {
    const program = await start('echo ready; sleep 0.1; seq 20000; echo last words >&2; exit 3');
    expect(await program.exited()).toBe(3);
    const tail = program.tail(2).split('\n').sort();
    expect(tail).toEqual(['20000', 'last words']);
    expect(readFileSync(program.logFile, 'utf8')).toContain('\n20000\n');
  });

  it('quotes itself alone where others write into the same log', async () => {
    const first = await start('echo ready; echo the first; exec sleep 60');
    const second = await start('echo ready; echo the second; exec sleep 60');
    await first.stop();
    await second.stop();
    expect([first.tail(9), second.tail(9)]).toEqual(['ready\nthe first', 'ready\nthe second']);
  });

  it('has ended although a child of it keeps its output open', async () => {
    const program = await start('sleep 60 & echo $!; echo ready; exit 0');
    expect(await program.exited()).toBe(0);
    process.kill(Number(program.tail(2).split('\n')[0]));
  });

  it('that does not become ready is quoted', async () => {
    await expect(start('echo no such device >&2; exit 1')).rejects.toThrow('ended with code 1\nno such device');
  });
});
