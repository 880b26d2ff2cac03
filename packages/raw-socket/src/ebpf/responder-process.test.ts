import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { nowNs } from '../clock.ts';
import { ResponderBed, responderUnavailable, SECOND_NS, VIP_MAC, VIP4, VIP6 } from '../testing/responder-bed.ts';
import type { FixtureOptions } from './responder.fixture.ts';

interface Fixture {
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<void>;
}

/** A process that answers on the bed's host for both addresses. */
function run(bed: ResponderBed, options: Partial<FixtureOptions>): Promise<Fixture> {
  const full: FixtureOptions = {
    namespace: bed.lan.host.path,
    entries: [VIP4, VIP6].map(address => ({ address, mac: VIP_MAC, source: bed.lan.host.mac })),
    leaseMs: 400,
    ...options,
  };
  const fixture = fileURLToPath(new URL('./responder.fixture.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', fixture, JSON.stringify(full)], { stdio: ['ignore', 'pipe', 'inherit'] });
  bed.onReset(() => void child.kill('SIGKILL'));
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
  return new Promise((resolve, reject) => {
    child.stdout.once('data', () => resolve({ kill: signal => void child.kill(signal), ended }));
    child.once('exit', code => reject(new Error(`the fixture ended with ${code}`)));
  });
}

async function eventually(bed: ResponderBed, wanted: boolean[], within = 5000): Promise<void> {
  const end = performance.now() + within;
  while (bed.answers().join() !== wanted.join() && performance.now() < end) await new Promise(resolve => setTimeout(resolve, 10));
  expect(bed.answers()).toEqual(wanted);
}

const skip = responderUnavailable();

describe.skipIf(skip)(`a process with a KernelResponder${skip ? ` (${skip})` : ''}`, () => {
  let bed: ResponderBed;
  beforeAll(() => {
    bed = new ResponderBed();
  });
  afterEach(() => bed.reset());
  afterAll(() => bed?.close());

  test('SIGKILL: silent at once, though the lease still runs', async () => {
    const child = await run(bed, { leaseMs: 60_000 });
    expect(bed.answers()).toEqual([true, true]);
    child.kill('SIGKILL');
    await child.ended;
    await eventually(bed, [false, false]);
  });

  test('SIGSTOP: silent when the lease ends; SIGCONT: answers again', async () => {
    const child = await run(bed, { leaseMs: 400 });
    expect(bed.answers()).toEqual([true, true]);
    child.kill('SIGSTOP');
    await eventually(bed, [false, false]);
    child.kill('SIGCONT');
    await eventually(bed, [true, true]);
  });

  test('pinned: answers on after SIGKILL, the next process takes over entries, lease and links, and removes all', async () => {
    const directory = bed.pinDirectory();
    const child = await run(bed, { pinDirectory: directory, leaseMs: 20_000 });
    child.kill('SIGKILL');
    await child.ended;
    expect(bed.answers()).toEqual([true, true]);
    const responder = bed.open(directory);
    expect(responder).toMatchObject({ adopted: true, pinProblem: undefined, attached: [bed.index] });
    expect(responder.entries().map(entry => [entry.address, entry.mac])).toEqual([
      [VIP4, VIP_MAC],
      [VIP6, VIP_MAC],
    ]);
    responder.renew(0n);
    expect(bed.answers()).toEqual([false, false]);
    responder.renew(nowNs() + 30n * SECOND_NS);
    responder.set({ interfaceIndex: bed.index, address: VIP4, mac: '02:bb:00:00:00:02' });
    expect(bed.asker.ask(VIP4)?.mac).toBe('02:bb:00:00:00:02');
    responder.close();
    expect(bed.answers()).toEqual([false, false]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('pinned: silent when the lease ends and nobody came', async () => {
    const directory = bed.pinDirectory();
    const child = await run(bed, { pinDirectory: directory, leaseMs: 1500 });
    child.kill('SIGKILL');
    await child.ended;
    expect(bed.answers()).toEqual([true, true]);
    await eventually(bed, [false, false]);
  });
});
