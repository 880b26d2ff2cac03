import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cleanupPins } from './ebpf/pins.ts';
import { Asker } from './testing/asker.ts';
import { createLan, type Lan } from './testing/lan.ts';
import { responderUnavailable } from './testing/responder-bed.ts';

const readme = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');
const snippets = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(match => match[1] ?? '');
const snippet = (mark: string): string => {
  const found = snippets.filter(text => text.includes(mark));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
};
const until = async (done: () => boolean): Promise<void> => {
  for (const end = performance.now() + 10_000; !done() && performance.now() < end; ) await new Promise(resolve => setTimeout(resolve, 20));
};
const skip = responderUnavailable();

describe.skipIf(skip)(`the snippets of the README${skip ? ` (${skip})` : ''}`, () => {
  let lan: Lan;
  let asker: Asker;
  let folder: string;
  const children: ChildProcess[] = [];
  beforeAll(() => {
    lan = createLan();
    lan.host.run('ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'eth0');
    asker = new Asker(lan);
    folder = mkdtempSync(join(tmpdir(), 'raw-socket-readme-'));
    symlinkSync(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  afterAll(() => {
    asker?.close();
    lan?.close();
    cleanupPins('/sys/fs/bpf/example');
    if (folder) rmSync(folder, { recursive: true });
  });

  /** Runs a file in the host's namespace; what it prints is gathered. */
  function start(file: string, code: string): { output: () => string; ended: Promise<number | null> } {
    writeFileSync(join(folder, file), code);
    const child = spawn('ip', ['netns', 'exec', lan.host.name, process.execPath, '--import', 'tsx', file], { cwd: folder });
    children.push(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', chunk => (text += chunk));
    return { output: () => text, ended: new Promise(resolve => child.once('exit', resolve)) };
  }
  test('the packet socket hears who asks', async () => {
    const run = start('packet.ts', snippet('PacketSocket.open'));
    await until(() => {
      asker.ask('192.0.2.10');
      return run.output() !== '';
    });
    expect(run.output()).toContain(`who has 192.0.2.10? asks ${lan.peer.mac.replaceAll(':', '')}`);
  });

  test('the worker takes messages and ends', async () => {
    const [main = '', wire = ''] = snippet('LoopWorker.start').split('// wire.ts\n');
    writeFileSync(join(folder, 'wire.ts'), wire);
    // The snippet stops at once; the answer to its message comes first, because messages keep their order.
    const run = start('main.ts', main);
    expect(await run.ended).toBe(0);
    expect(run.output()).toBe("{ echo: { addresses: [ '192.0.2.10' ] } }\nbye\nended 0 undefined\n");
  });

  test('the kernel responder answers for as long as its lease', async () => {
    // The snippet's process would end at once, and its link with it where there is no BPF file system at that place.
    const run = start('kernel.ts', `${snippet('openKernelResponder')}\nconsole.log('open');\nsetTimeout(() => undefined, 60_000);\n`);
    await until(() => run.output() !== '');
    expect(run.output()).toBe('open\n');
    expect(asker.ask('192.0.2.10')?.mac).toBe('02:00:00:00:00:01');
    await until(() => asker.ask('192.0.2.10') === undefined);
    expect(asker.ask('192.0.2.10')).toBeUndefined();
  });
});
