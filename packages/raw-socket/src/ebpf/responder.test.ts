import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { nowNs } from '../clock.ts';
import { ResponderBed, responderUnavailable, SECOND_NS, VIP_MAC, VIP4, VIP6 } from '../testing/responder-bed.ts';
import { UdpSocket } from '../udp-socket.ts';
import { cleanupPins } from './pins.ts';
import type { KernelResponder } from './responder.ts';

const skip = responderUnavailable();

describe.skipIf(skip)(`KernelResponder${skip ? ` (${skip})` : ''}`, () => {
  let bed: ResponderBed;
  beforeAll(() => {
    bed = new ResponderBed();
  });
  afterEach(() => bed.reset());
  afterAll(() => bed?.close());

  test('the kernel of a client resolves both addresses and keeps them', () => {
    bed.start();
    for (const vip of [VIP4, VIP6]) {
      // A datagram makes the client's kernel ask.
      const client = bed.lan.peer.enter(() => UdpSocket.open({ family: vip === VIP4 ? 4 : 6, port: 0 }));
      const sent = bed.lan.peer.enter(() => client.send(Buffer.from('x'), 9, vip));
      client.close();
      expect(sent).toEqual({ ok: true });
      const neighbour = (): string => bed.lan.peer.run('ip', 'neigh', 'show', vip);
      for (let looks = 0; looks < 50 && neighbour().includes('INCOMPLETE'); looks++);
      expect(neighbour()).toMatch(new RegExp(`${VIP_MAC}.*(REACHABLE|DELAY|STALE)`));
    }
  });

  test('broadcast only and unicast only: the two halves of a gentle move', () => {
    const responder = bed.start();
    for (const address of [VIP4, VIP6]) {
      const entry = { interfaceIndex: bed.index, address, mac: VIP_MAC };
      responder.set({ ...entry, unicast: false });
      expect([bed.asker.ask(address)?.mac, bed.asker.ask(address, true)?.mac]).toEqual([VIP_MAC, undefined]);
      responder.set({ ...entry, broadcast: false });
      expect([bed.asker.ask(address)?.mac, bed.asker.ask(address, true)?.mac]).toEqual([undefined, VIP_MAC]);
      expect(responder.get(bed.index, address)).toMatchObject({ broadcast: false, unicast: true, hits: 2n });
    }
  });

  test('an entry is for one interface; deleted, it answers no more', () => {
    const responder = bed.start();
    expect(responder.delete(bed.index, VIP4)).toBe(true);
    expect(responder.delete(bed.index, VIP4)).toBe(false);
    responder.set({ interfaceIndex: bed.index + 1, address: VIP4, mac: VIP_MAC });
    expect(bed.answers()).toEqual([false, true]);
    expect(responder.entries().map(entry => [entry.interfaceIndex, entry.address])).toEqual([
      [bed.index + 1, VIP4],
      [bed.index, VIP6],
    ]);
  });

  test('each entry depends on its own lease', () => {
    const responder = bed.start();
    responder.set({ interfaceIndex: bed.index, address: VIP6, mac: VIP_MAC, lease: 3 });
    expect(bed.answers()).toEqual([true, false]);
    responder.renew(nowNs() + SECOND_NS * 30n, 3);
    expect(bed.answers()).toEqual([true, true]);
    responder.renew(0n);
    expect(bed.answers()).toEqual([false, true]);
    expect(responder.leases().map(until => until > 0n)).toEqual([false, false, false, true, false, false, false]);
  });

  test('the last to take pinned maps over is their holder', () => {
    const directory = bed.pinDirectory();
    const [first, second] = [bed.start(directory), bed.open(directory)];
    first.holder = 11n;
    expect([first.holder, second.holder]).toEqual([11n, 11n]);
    second.holder = 22n;
    expect([first.holder, second.holder]).toEqual([22n, 22n]);
    expect(() => second.renew(1n, second.leaseCount)).toThrow('no lease 7');
    expect(bed.answers()).toEqual([true, true]);
  });

  test('detached, or closed, it is silent', () => {
    const responder = bed.start();
    responder.detach(bed.index);
    expect([bed.answers(), responder.attached]).toEqual([[false, false], []]);
    bed.lan.host.enter(() => responder.attach(bed.index));
    expect(bed.answers()).toEqual([true, true]);
    responder.close();
    responder.close();
    expect(bed.answers()).toEqual([false, false]);
    expect(() => responder.entries()).toThrow('closed');
  });

  test('runs ahead of a program that ends the chain', () => {
    const first = bed.start();
    const second = bed.start();
    second.set({ interfaceIndex: bed.index, address: VIP4, mac: '02:bb:00:00:00:01' });
    expect(bed.asker.ask(VIP4)?.mac).toBe('02:bb:00:00:00:01');
    second.close();
    expect(bed.asker.ask(VIP4)?.mac).toBe(VIP_MAC);
    first.close();
  });

  test('an interface that is removed takes its link along; attaching anew works', () => {
    const responder = bed.open();
    bed.lan.host.run('ip', 'link', 'add', 'v0', 'index', '777', 'type', 'veth', 'peer', 'name', 'v1');
    bed.lan.host.enter(() => responder.attach(777));
    bed.lan.host.run('ip', 'link', 'del', 'v0');
    expect(() => bed.lan.host.enter(() => responder.attach(777))).toThrow(expect.objectContaining({ code: 'NoSuchDevice' }));
    bed.lan.host.run('ip', 'link', 'add', 'v0', 'index', '777', 'type', 'veth', 'peer', 'name', 'v1');
    bed.lan.host.enter(() => responder.attach(777));
    expect(responder.attached).toEqual([777]);
    bed.lan.host.run('ip', 'link', 'del', 'v0');
  });

  test.each<[string, Partial<Parameters<KernelResponder['set']>[0]>]>([
    ['no address', { address: '10.66.0.1/32' }],
    ['no VIP_MAC', { mac: 'aa' }],
    ['a group VIP_MAC', { mac: '33:33:00:00:00:01' }],
    ['no such lease', { lease: 8 }],
  ])('an entry with %s is refused', (_, change) => {
    const responder = bed.open();
    expect(() => responder.set({ interfaceIndex: bed.index, address: VIP4, mac: VIP_MAC, ...change })).toThrow(
      expect.objectContaining({ code: 'InvalidArgument' }),
    );
  });

  test('taking over leaves no packet unanswered', () => {
    const directory = bed.pinDirectory();
    bed.start(directory).close(true);
    let lost = 0;
    for (let i = 0; i < 10; i++) {
      if (!bed.asker.ask(VIP4)) lost += 1;
      const next = bed.open(directory);
      if (!bed.asker.ask(VIP4)) lost += 1;
      next.close(true);
      if (!bed.asker.ask(VIP4)) lost += 1;
    }
    expect(lost).toBe(0);
  });

  test('another layout is replaced: the old one answers until the new one does, and only what is ours goes', () => {
    const directory = bed.pinDirectory();
    const old = bed.start(directory);
    const ours = old.pinned as string;
    old.close(true);
    // What another version would have left, by its name.
    const other = ours.replace('/v1-', '/v0-');
    const foreign = ours.replace(/\d+$/, '1');
    execFileSync('mv', [ours, other]);
    mkdirSync(foreign);
    expect(bed.answers()).toEqual([true, true]);
    const next = bed.open(directory);
    expect(next.adopted).toBe(false);
    expect(bed.answers()).toEqual([true, true]);
    bed.lan.host.enter(() => next.attach(bed.index));
    next.set({ interfaceIndex: bed.index, address: VIP4, mac: '02:bb:00:00:00:03' });
    next.renew(nowNs() + 30n * SECOND_NS);
    expect([bed.asker.ask(VIP4)?.mac, bed.asker.ask(VIP6)?.mac]).toEqual(['02:bb:00:00:00:03', VIP_MAC]);
    expect(next.retireOthers()).toEqual([other]);
    expect([existsSync(other), existsSync(foreign)]).toEqual([false, true]);
    expect([bed.asker.ask(VIP4)?.mac, bed.asker.ask(VIP6)?.mac]).toEqual(['02:bb:00:00:00:03', undefined]);
  });

  test('cleanupPins removes and silences everything, also of a responder that runs', () => {
    const directory = bed.pinDirectory();
    const responder = bed.start(directory);
    expect(bed.answers()).toEqual([true, true]);
    expect(cleanupPins(directory)).toEqual([responder.pinned]);
    expect(bed.answers()).toEqual([false, false]);
    expect(existsSync(directory)).toBe(false);
    expect(cleanupPins(directory)).toEqual([]);
  });

  test('a directory that is no BPF file system: works without, and says so', () => {
    const directory = mkdtempSync(join(tmpdir(), 'raw-socket-plain-'));
    bed.onReset(() => rmSync(directory, { recursive: true }));
    const responder = bed.start(directory);
    expect(responder.pinned).toBeUndefined();
    expect(responder.pinProblem).toMatch(/not on a BPF file system: mount one there/);
    expect(bed.answers()).toEqual([true, true]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('without permission: not available, and what to grant', () => {
    const program = `
      import { openKernelResponder } from ${JSON.stringify(new URL('./responder.ts', import.meta.url).href)};
      console.log(JSON.stringify(openKernelResponder()));
    `;
    const output = execFileSync(
      'setpriv',
      ['--bounding-set', '-all,+net_raw', '--inh-caps', '-all', process.execPath, '--import', 'tsx', '--input-type=module', '-e', program],
      { encoding: 'utf8', cwd: fileURLToPath(new URL('../..', import.meta.url)) },
    );
    expect(JSON.parse(output)).toEqual({
      available: false,
      code: 'NotPermitted',
      because: expect.stringContaining('needs CAP_BPF and CAP_NET_ADMIN') as unknown,
    });
  });
});
