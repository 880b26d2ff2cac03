import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { nowNs } from '../clock.ts';
import { interfaceIndex } from '../sockaddr.ts';
import { Asker } from '../testing/asker.ts';
import { arpFrame, ndpFrame } from '../testing/frames.ts';
import { createLan, type Lan } from '../testing/lan.ts';
import { missing } from '../testing/requirements.ts';
import { kernelAnswers } from './kernel-answers.ts';
import { cleanupPins } from './pins.ts';
import type { FixtureOptions } from './responder.fixture.ts';
import { KernelResponder, openKernelResponder } from './responder.ts';

const skip =
  missing({ capabilities: ['CAP_NET_RAW', 'CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_BPF'], programs: ['ip', 'mount'] }) ?? unavailable();

function unavailable(): string | undefined {
  const opened = openKernelResponder();
  if (opened.available) opened.responder.close();
  else console.warn(`skipped: ${opened.because}`);
  return opened.available ? undefined : opened.because;
}

const VIP4 = '10.66.0.50';
const VIP6 = 'fd66::50';
const MAC = '02:aa:00:00:00:50';
const SECOND = 1_000_000_000n;

describe.skipIf(skip)(`KernelResponder${skip ? ` (${skip})` : ''}`, () => {
  let lan: Lan;
  let asker: Asker;
  let index: number;
  let bpffs: string;
  const closers: (() => void)[] = [];

  beforeAll(() => {
    lan = createLan();
    asker = new Asker(lan);
    index = lan.host.enter(() => interfaceIndex('eth0'));
    bpffs = mkdtempSync(join(tmpdir(), 'raw-socket-bpf-'));
    execFileSync('mount', ['-t', 'bpf', 'bpf', bpffs]);
  });
  afterEach(() => {
    for (const close of closers.splice(0).reverse()) close();
  });
  afterAll(() => {
    asker?.close();
    lan?.close();
    if (bpffs) {
      execFileSync('umount', [bpffs]);
      rmSync(bpffs, { recursive: true });
    }
  });

  const pinDirectory = (): string => {
    const path = join(bpffs, randomBytes(4).toString('hex'));
    closers.push(() => cleanupPins(path));
    return path;
  };
  const open = (directory?: string): KernelResponder => {
    const opened = lan.host.enter(() => openKernelResponder({ pinDirectory: directory }));
    if (!opened.available) throw new Error(opened.because);
    closers.push(() => lan.host.enter(() => opened.responder.close()));
    return opened.responder;
  };
  /** With both addresses, attached, and its lease running. */
  const start = (directory?: string): KernelResponder => {
    const responder = open(directory);
    lan.host.enter(() => responder.attach(index));
    for (const address of [VIP4, VIP6]) responder.set({ interfaceIndex: index, address, mac: MAC, source: lan.host.mac });
    responder.renew(nowNs() + 30n * SECOND);
    return responder;
  };
  const answers = (): boolean[] => [VIP4, VIP6].map(address => asker.ask(address) !== undefined);

  describe('frames', () => {
    let responder: KernelResponder;
    beforeEach(() => {
      responder = start();
    });

    test.each([
      ['an ARP request', VIP4, false],
      ['a unicast ARP request', VIP4, true],
      ['a solicitation', VIP6, false],
      ['a unicast solicitation', VIP6, true],
    ])('%s is answered from our MAC with the MAC of the table', (_, address, unicast) => {
      const answer = asker.ask(address, unicast);
      expect(answer).toMatchObject({ source: lan.host.mac, destination: lan.peer.mac, address, mac: MAC });
      expect(kernelAnswers(asker.question(address, unicast))).toBe(true);
      expect(responder.get(index, address)?.hits).toBe(1n);
    });

    test('the ARP answer, byte for byte (RFC 826)', () => {
      expect(asker.ask(VIP4)?.frame).toEqual(
        arpFrame({
          operation: 2,
          destination: lan.peer.mac,
          source: lan.host.mac,
          senderMac: MAC,
          senderIp: VIP4,
          targetMac: lan.peer.mac,
          targetIp: '10.66.0.2',
        }),
      );
    });

    test('the advertisement, byte for byte (RFC 4861 §4.4): S and O set', () => {
      expect(asker.ask(VIP6)?.frame).toEqual(
        ndpFrame({
          type: 136,
          destination: lan.peer.mac,
          source: lan.host.mac,
          sourceIp: VIP6,
          destinationIp: 'fd66::2',
          target: VIP6,
          flags: 0x60,
          options: Buffer.from(`0201${MAC.replaceAll(':', '')}`, 'hex'),
        }),
      );
    });

    const arp =
      (change: Partial<Parameters<typeof arpFrame>[0]>) =>
      (l: Lan): Buffer =>
        arpFrame({ source: l.peer.mac, senderIp: '10.66.0.2', targetIp: VIP4, ...change });
    const ndp =
      (change: Partial<Parameters<typeof ndpFrame>[0]>) =>
      (l: Lan): Buffer =>
        ndpFrame({
          destination: '33:33:ff:00:00:50',
          source: l.peer.mac,
          sourceIp: 'fd66::2',
          destinationIp: 'ff02::1:ff00:50',
          target: VIP6,
          ...change,
        });
    const option = (bytes: string): Buffer => Buffer.from(bytes, 'hex');

    // The last column: the frame's form alone does not tell (another address, a tag, the checksum).
    test.each<[string, (l: Lan) => Buffer, 'form' | 'other']>([
      ['ARP for another address', arp({ targetIp: '10.66.0.51' }), 'other'],
      ['ARP with a VLAN tag', arp({ vlan: 7 }), 'form'],
      ['ARP to another host', arp({ destination: '02:66:00:00:00:99' }), 'other'],
      ['an announcement of the address by a stranger', arp({ senderIp: VIP4 }), 'form'],
      ['an ARP reply', arp({ operation: 2 }), 'form'],
      ['an ARP request whose sender is a group', arp({ senderMac: 'ff:ff:ff:ff:ff:ff' }), 'form'],
      [
        'ARP with addresses of other lengths',
        l => Buffer.concat([arp({})(l).subarray(0, 18), option('0804'), arp({})(l).subarray(20)]),
        'form',
      ],
      ['a solicitation for another address', ndp({ target: 'fd66::51' }), 'other'],
      ['hop limit 64', ndp({ hopLimit: 64 }), 'form'],
      ['hop limit 254', ndp({ hopLimit: 254 }), 'form'],
      ['a wrong checksum', ndp({ checksum: 0x1234 }), 'other'],
      ['code 1', ndp({ code: 1 }), 'form'],
      ['an advertisement', ndp({ type: 136 }), 'form'],
      ['duplicate address detection', ndp({ sourceIp: '::', options: Buffer.alloc(0) }), 'form'],
      ['duplicate address detection with a nonce', ndp({ sourceIp: '::', options: option('0e01010203040506') }), 'form'],
      ['a source option from ::', ndp({ sourceIp: '::' }), 'form'],
      ['two options', ndp({ options: option('01010266000000020e01010203040506') }), 'form'],
      ['an option of length 0', ndp({ options: option('0100026600000002') }), 'form'],
      ['a source option with a group address', ndp({ options: option('01013333ff000001') }), 'form'],
      ['a source address that is a group', ndp({ sourceIp: 'ff02::1' }), 'form'],
      ['a source that is the target', ndp({ sourceIp: VIP6 }), 'form'],
    ])('%s is left alone', (_, frame, why) => {
      expect(asker.exchange(frame(lan))).toBeUndefined();
      expect(kernelAnswers(frame(lan))).toBe(why === 'other');
      expect(responder.entries().map(entry => entry.hits)).toEqual([0n, 0n]);
    });

    test('ARP probes (RFC 5227) are answered: the address is taken', () => {
      expect(asker.exchange(arp({ senderIp: '0.0.0.0' })(lan))).toMatchObject({ mac: MAC });
    });

    test('ARP padded to the least Ethernet length is answered', () => {
      expect(asker.exchange(Buffer.concat([arp({})(lan), Buffer.alloc(18)]))).toMatchObject({ mac: MAC });
    });

    test('2,000 mutated frames: an answer only to what has the right form, and never a wrong one', () => {
      let state = 12345;
      const random = (below: number): number => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return (state >>> 8) % below;
      };
      let answered = 0;
      for (let i = 0; i < 2000; i++) {
        const frame = Buffer.from(i % 2 === 0 ? arp({})(lan) : ndp({})(lan));
        for (let n = random(3); n >= 0; n--) frame[random(frame.length)] = random(256);
        const answer = asker.exchange(frame, 0.3);
        if (!answer) continue;
        answered += 1;
        expect(kernelAnswers(frame)).toBe(true);
        expect([VIP4, VIP6]).toContain(answer.address);
        expect(answer.mac).toBe(MAC);
      }
      // Source addresses and the like may differ without making the question a bad one.
      expect(answered).toBeGreaterThan(10);
    });
  });

  test('the kernel of a client resolves both addresses and keeps them', () => {
    start();
    for (const [vip, ping] of [
      [VIP4, '-4'],
      [VIP6, '-6'],
    ] as const) {
      lan.peer.try('ping', ping, '-c', '1', '-W', '1', vip);
      expect(lan.peer.run('ip', 'neigh', 'show', vip)).toMatch(new RegExp(`${MAC}.*(REACHABLE|DELAY|STALE)`));
    }
  });

  test('broadcast only and unicast only: the two halves of a gentle move', () => {
    const responder = start();
    for (const address of [VIP4, VIP6]) {
      const entry = { interfaceIndex: index, address, mac: MAC };
      responder.set({ ...entry, unicast: false });
      expect([asker.ask(address)?.mac, asker.ask(address, true)?.mac]).toEqual([MAC, undefined]);
      responder.set({ ...entry, broadcast: false });
      expect([asker.ask(address)?.mac, asker.ask(address, true)?.mac]).toEqual([undefined, MAC]);
      expect(responder.get(index, address)).toMatchObject({ broadcast: false, unicast: true, hits: 2n });
    }
  });

  test('an entry is for one interface; deleted, it answers no more', () => {
    const responder = start();
    expect(responder.delete(index, VIP4)).toBe(true);
    expect(responder.delete(index, VIP4)).toBe(false);
    responder.set({ interfaceIndex: index + 1, address: VIP4, mac: MAC });
    expect(answers()).toEqual([false, true]);
    expect(responder.entries().map(entry => [entry.interfaceIndex, entry.address])).toEqual([
      [index + 1, VIP4],
      [index, VIP6],
    ]);
  });

  test('each entry depends on its own lease', () => {
    const responder = start();
    responder.set({ interfaceIndex: index, address: VIP6, mac: MAC, lease: 3 });
    expect(answers()).toEqual([true, false]);
    responder.renew(nowNs() + SECOND * 30n, 3);
    expect(answers()).toEqual([true, true]);
    responder.renew(0n);
    expect(answers()).toEqual([false, true]);
    expect(responder.leases().map(until => until > 0n)).toEqual([false, false, false, true, false, false, false, false]);
  });

  test('detached, or closed, it is silent', () => {
    const responder = start();
    responder.detach(index);
    expect([answers(), responder.attached]).toEqual([[false, false], []]);
    lan.host.enter(() => responder.attach(index));
    expect(answers()).toEqual([true, true]);
    responder.close();
    responder.close();
    expect(answers()).toEqual([false, false]);
    expect(() => responder.entries()).toThrow('closed');
  });

  test('runs ahead of a program that ends the chain', () => {
    const first = start();
    const second = start();
    second.set({ interfaceIndex: index, address: VIP4, mac: '02:bb:00:00:00:01' });
    expect(asker.ask(VIP4)?.mac).toBe('02:bb:00:00:00:01');
    second.close();
    expect(asker.ask(VIP4)?.mac).toBe(MAC);
    first.close();
  });

  test('an interface that is removed takes its link along; attaching anew works', () => {
    const responder = open();
    lan.host.run('ip', 'link', 'add', 'v0', 'index', '777', 'type', 'veth', 'peer', 'name', 'v1');
    lan.host.enter(() => responder.attach(777));
    lan.host.run('ip', 'link', 'del', 'v0');
    expect(() => lan.host.enter(() => responder.attach(777))).toThrow(expect.objectContaining({ code: 'NoSuchDevice' }));
    lan.host.run('ip', 'link', 'add', 'v0', 'index', '777', 'type', 'veth', 'peer', 'name', 'v1');
    lan.host.enter(() => responder.attach(777));
    expect(responder.attached).toEqual([777]);
    lan.host.run('ip', 'link', 'del', 'v0');
  });

  test.each<[string, Partial<Parameters<KernelResponder['set']>[0]>]>([
    ['no address', { address: '10.66.0.1/32' }],
    ['no MAC', { mac: 'aa' }],
    ['a group MAC', { mac: '33:33:00:00:00:01' }],
    ['no such lease', { lease: 8 }],
  ])('an entry with %s is refused', (_, change) => {
    const responder = open();
    expect(() => responder.set({ interfaceIndex: index, address: VIP4, mac: MAC, ...change })).toThrow(
      expect.objectContaining({ code: 'InvalidArgument' }),
    );
  });

  describe('processes', () => {
    const run = (
      options: Partial<FixtureOptions>,
    ): Promise<{ pid: number; line: string; kill(signal: NodeJS.Signals): void; ended: Promise<void> }> => {
      const full: FixtureOptions = {
        namespace: lan.host.path,
        entries: [VIP4, VIP6].map(address => ({ address, mac: MAC, source: lan.host.mac })),
        leaseMs: 400,
        ...options,
      };
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', fileURLToPath(new URL('./responder.fixture.ts', import.meta.url)), JSON.stringify(full)],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      closers.push(() => void child.kill('SIGKILL'));
      const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
      return new Promise((resolve, reject) => {
        child.stdout.once('data', (data: Buffer) =>
          resolve({ pid: child.pid ?? 0, line: data.toString().trim(), kill: signal => void child.kill(signal), ended }),
        );
        child.once('exit', code => reject(new Error(`the fixture ended with ${code}`)));
      });
    };
    const eventually = async (wanted: boolean[], within = 5000): Promise<void> => {
      const end = performance.now() + within;
      while (answers().join() !== wanted.join() && performance.now() < end) await new Promise(resolve => setTimeout(resolve, 10));
      expect(answers()).toEqual(wanted);
    };

    test('SIGKILL: silent at once, though the lease still runs', async () => {
      const child = await run({ leaseMs: 60_000 });
      expect(answers()).toEqual([true, true]);
      child.kill('SIGKILL');
      await child.ended;
      await eventually([false, false]);
    });

    test('SIGSTOP: silent when the lease ends; SIGCONT: answers again', async () => {
      const child = await run({ leaseMs: 400 });
      expect(answers()).toEqual([true, true]);
      child.kill('SIGSTOP');
      await eventually([false, false]);
      child.kill('SIGCONT');
      await eventually([true, true]);
    });

    test('pinned: answers on after SIGKILL, the next process takes over entries, lease and links, and removes all', async () => {
      const directory = pinDirectory();
      const child = await run({ pinDirectory: directory, leaseMs: 20_000 });
      child.kill('SIGKILL');
      await child.ended;
      expect(answers()).toEqual([true, true]);
      const responder = open(directory);
      expect(responder).toMatchObject({ adopted: true, pinProblem: undefined, attached: [index] });
      expect(responder.entries().map(entry => [entry.address, entry.mac])).toEqual([
        [VIP4, MAC],
        [VIP6, MAC],
      ]);
      responder.renew(0n);
      expect(answers()).toEqual([false, false]);
      responder.renew(nowNs() + 30n * SECOND);
      responder.set({ interfaceIndex: index, address: VIP4, mac: '02:bb:00:00:00:02' });
      expect(asker.ask(VIP4)?.mac).toBe('02:bb:00:00:00:02');
      responder.close();
      expect(answers()).toEqual([false, false]);
      expect(readdirSync(directory)).toEqual([]);
    });

    test('pinned: silent when the lease ends and nobody came', async () => {
      const directory = pinDirectory();
      const child = await run({ pinDirectory: directory, leaseMs: 1500 });
      child.kill('SIGKILL');
      await child.ended;
      expect(answers()).toEqual([true, true]);
      await eventually([false, false]);
    });
  });

  test('taking over leaves no packet unanswered', () => {
    const directory = pinDirectory();
    start(directory).close(true);
    let lost = 0;
    for (let i = 0; i < 10; i++) {
      if (!asker.ask(VIP4)) lost += 1;
      const next = open(directory);
      if (!asker.ask(VIP4)) lost += 1;
      next.close(true);
      if (!asker.ask(VIP4)) lost += 1;
    }
    expect(lost).toBe(0);
  });

  test('another layout is replaced: the old one answers until the new one does, and only what is ours goes', () => {
    const directory = pinDirectory();
    const old = start(directory);
    const ours = old.pinned as string;
    old.close(true);
    // What another version would have left, by its name.
    const other = ours.replace('/v1-', '/v0-');
    const foreign = ours.replace(/\d+$/, '1');
    execFileSync('mv', [ours, other]);
    mkdirSync(foreign);
    expect(answers()).toEqual([true, true]);
    const next = open(directory);
    expect(next.adopted).toBe(false);
    expect(answers()).toEqual([true, true]);
    lan.host.enter(() => next.attach(index));
    next.set({ interfaceIndex: index, address: VIP4, mac: '02:bb:00:00:00:03' });
    next.renew(nowNs() + 30n * SECOND);
    expect([asker.ask(VIP4)?.mac, asker.ask(VIP6)?.mac]).toEqual(['02:bb:00:00:00:03', MAC]);
    expect(next.retireOthers()).toEqual([other]);
    expect([existsSync(other), existsSync(foreign)]).toEqual([false, true]);
    expect([asker.ask(VIP4)?.mac, asker.ask(VIP6)?.mac]).toEqual(['02:bb:00:00:00:03', undefined]);
  });

  test('cleanupPins removes everything, also of a responder that runs', () => {
    const directory = pinDirectory();
    const responder = start(directory);
    expect(cleanupPins(directory)).toEqual([responder.pinned]);
    expect(existsSync(directory)).toBe(false);
    expect(cleanupPins(directory)).toEqual([]);
  });

  test('a directory that is no BPF file system: works without, and says so', () => {
    const directory = mkdtempSync(join(tmpdir(), 'raw-socket-plain-'));
    closers.push(() => rmSync(directory, { recursive: true }));
    const responder = start(directory);
    expect(responder.pinned).toBeUndefined();
    expect(responder.pinProblem).toMatch(/not on a BPF file system: mount one there/);
    expect(answers()).toEqual([true, true]);
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
