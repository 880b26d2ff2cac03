import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { LoopWorker } from './loop-worker.ts';

const fixture = new URL('./loop-worker.fixture.ts', import.meta.url);

function collect(worker: LoopWorker): { messages: unknown[]; until(message: unknown): Promise<void> } {
  const messages: unknown[] = [];
  const waiting: { message: unknown; resolve: () => void }[] = [];
  worker.onMessage(message => {
    messages.push(message);
    for (const entry of waiting) if (entry.message === message) entry.resolve();
  });
  return {
    messages,
    until: message => (messages.includes(message) ? Promise.resolve() : new Promise(resolve => waiting.push({ message, resolve }))),
  };
}

describe('LoopWorker', () => {
  test('a TypeScript worker runs a loop, takes messages while it polls, and stops when asked', async () => {
    const worker = LoopWorker.start(fixture, { data: { greeting: 'hello' }, name: 'wire' });
    const seen = collect(worker);
    worker.post({ echo: 'early' });
    await seen.until('hello early');
    await seen.until('tick');
    worker.post({ echo: 'late' });
    await seen.until('hello late');
    expect(await worker.stop()).toBe(0);
    expect(seen.messages).toContain('bye');
    worker.post({ echo: 'after the end' });
  });

  test('a worker that hangs is terminated after the timeout', async () => {
    const worker = LoopWorker.start(fixture, { data: { greeting: 'hello' } });
    await collect(worker).until('tick');
    worker.post({ hang: true });
    expect(await worker.stop(100)).toBe(1);
  });

  test('what ends a worker is reported', async () => {
    const worker = LoopWorker.start(fixture, { data: { greeting: 'hello' } });
    await collect(worker).until('tick');
    const ended = new Promise<[number, Error | undefined]>(resolve => worker.onExit((code, error) => resolve([code, error])));
    worker.post({ die: true });
    const [code, error] = await ended;
    expect([code, error?.message]).toEqual([1, 'told to die']);
  });

  test('everything a worker said before its end is heard before its end', async () => {
    const worker = LoopWorker.start(fixture, { data: { greeting: 'hello' } });
    const seen = collect(worker);
    await seen.until('tick');
    const heard = new Promise<number>(resolve => worker.onExit(() => resolve(seen.messages.length)));
    worker.post({ lastWords: 5000 });
    expect(await heard).toBe(5001);
    expect(seen.messages.slice(1)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
  });

  // The same through `node --import tsx`, as the programs run; each line ends the process in another way while the worker polls.
  test.each([
    ['process.exit', 'process.exit(7)', 7],
    ['an uncaught exception', "throw new Error('deliberate')", 1],
    ['stop', 'await worker.stop(); console.log("stopped")', 0],
    ['unref and nothing left to do', 'worker.unref()', 0],
  ])('under node --import tsx the process ends by %s', async (_, ending, code) => {
    const program = `
      import { LoopWorker } from ${JSON.stringify(new URL('./loop-worker.ts', import.meta.url).href)};
      const worker = LoopWorker.start(new URL(${JSON.stringify(fixture.href)}), { data: { greeting: 'hello' } });
      await new Promise(resolve => worker.onMessage(message => { if (message === 'tick') resolve(); }));
      ${ending};
    `;
    const node = promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      timeout: 15_000,
    });
    const result = await node.then(
      () => 0,
      (error: { code?: number; killed?: boolean }) => (error.killed ? 'hung' : error.code),
    );
    expect(result).toBe(code);
  });
});
