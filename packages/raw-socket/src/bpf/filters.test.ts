import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIp } from '../inet.ts';
import { arpFrame, ndpFrame } from '../testing/frames.ts';
import { ClassicAssembler, MAX_INSTRUCTIONS } from './classic-assembler.ts';
import { arpFilter, ndpFilter } from './filters.ts';
import { type Ancillary, runClassic } from './interpreter.fixture.ts';

const here: Ancillary = { ifindex: 7, pkttype: 1, vlanTagPresent: 0 };
const source = '02:00:00:00:00:09';
const arp = (change: Partial<Parameters<typeof arpFrame>[0]> = {}): Buffer =>
  arpFrame({ source, senderIp: '10.0.0.9', targetIp: '10.0.0.1', ...change });
const ndp = (change: Partial<Parameters<typeof ndpFrame>[0]> = {}): Buffer =>
  ndpFrame({
    destination: '33:33:ff:00:00:01',
    source,
    sourceIp: 'fe80::9',
    destinationIp: 'ff02::1:ff00:1',
    target: 'fd00::1',
    ...change,
  });
const patched = (frame: Buffer, at: number, ...bytes: number[]): Buffer => {
  const copy = Buffer.from(frame);
  copy.set(bytes, at);
  return copy;
};
const v4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(formatIp);

describe('arpFilter', () => {
  const all = arpFilter({ interfaceIndex: 7 });
  const vips = arpFilter({ interfaceIndex: 7, operations: ['request'], targets: ['10.0.0.1', '10.0.0.200', '255.255.255.254'] });
  test.each<[string, Buffer, Partial<Ancillary>, boolean, boolean]>([
    ['a request', arp(), {}, true, true],
    ['a unicast request', arp({ destination: '02:00:00:00:00:01' }), { pkttype: 0 }, true, true],
    ['a request for another address', arp({ targetIp: '10.0.0.2' }), {}, true, false],
    ['a request for the greatest address', arp({ targetIp: '255.255.255.254' }), {}, true, true],
    ['a reply', arp({ operation: 2 }), {}, true, false],
    ['a reverse request', arp({ operation: 3 }), {}, false, false],
    ['by another interface', arp(), { ifindex: 8 }, false, false],
    ['with its VLAN tag stripped', arp(), { vlanTagPresent: 1 }, false, false],
    ['for another host', arp(), { pkttype: 3 }, false, false],
    ['not Ethernet', patched(arp(), 14, 0, 6), {}, false, false],
    ['not IPv4', patched(arp(), 16, 0x86, 0xdd), {}, false, false],
    ['addresses of other lengths', patched(arp(), 18, 8, 4), {}, false, false],
    ['another EtherType', patched(arp(), 12, 8, 0), {}, false, false],
    ['cut short', arp().subarray(0, 30), {}, true, false],
  ])('%s', (_, frame, ancillary, passesAll, passesVips) => {
    const passes = [all, vips].map(filter => runClassic(filter.program, frame, { ...here, ...ancillary }) > 0);
    expect(passes).toEqual([passesAll, passesVips]);
  });

  test('passes exactly the packets that name one of the targets or senders', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(v4, { maxLength: 300 }),
        fc.uniqueArray(v4, { maxLength: 100 }),
        v4,
        v4,
        (targets, senders, target, sender) => {
          const filter = arpFilter({ interfaceIndex: 7, targets, senders });
          const cases = [
            [sender, target],
            [sender, targets[0] ?? target],
            [senders.at(-1) ?? sender, target],
          ] as const;
          for (const [senderIp, targetIp] of cases) {
            const verdict = runClassic(filter.program, arp({ senderIp, targetIp }), here) > 0;
            expect(verdict).toBe(targets.includes(targetIp) || senders.includes(senderIp));
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test.each([
    [1, true],
    [64, true],
    [65, true],
    [3700, true],
    [5000, false],
  ])('%d targets: exact is %s', (count, exact) => {
    const targets = Array.from({ length: count }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
    const filter = arpFilter({ interfaceIndex: 7, targets });
    expect(filter.instructions).toBeLessThanOrEqual(MAX_INSTRUCTIONS);
    expect(runClassic(filter.program, arp({ targetIp: targets.at(-1) as string }), here)).toBeGreaterThan(0);
    expect(runClassic(filter.program, arp({ targetIp: '10.0.0.1' }), here) > 0).toBe(!exact);
    expect(filter.fallback !== undefined).toBe(exact);
  });

  test('no targets: nothing passes', () => {
    expect(runClassic(arpFilter({ interfaceIndex: 7, targets: [] }).program, arp(), here)).toBe(0);
  });

  test('an IPv6 address is refused', () => {
    expect(() => arpFilter({ interfaceIndex: 7, targets: ['::1'] })).toThrow('not an IPv4 address');
  });
});

describe('ndpFilter', () => {
  const vips = ndpFilter({ interfaceIndex: 7, targets: ['fd00::1', 'fd00::abcd:1'], destinations: ['fd00::77'] });
  test.each<[string, Buffer, Partial<Ancillary>, boolean]>([
    ['a solicitation', ndp(), {}, true],
    ['an advertisement', ndp({ type: 136 }), {}, true],
    [
      'an advertisement of another target to one of our addresses',
      ndp({ type: 136, target: 'fe80::1', destinationIp: 'fd00::77' }),
      {},
      true,
    ],
    ['a solicitation without options, for duplicates', ndp({ sourceIp: '::', options: Buffer.alloc(0) }), {}, true],
    ['another target', ndp({ target: 'fd00::2' }), {}, false],
    ['hop limit 64', ndp({ hopLimit: 64 }), {}, false],
    ['a redirect', ndp({ type: 137 }), {}, false],
    ['code 1', ndp({ code: 1 }), {}, false],
    ['not ICMPv6', patched(ndp(), 20, 17), {}, false],
    ['with its VLAN tag stripped', ndp(), { vlanTagPresent: 1 }, false],
    ['for another host', ndp(), { pkttype: 3 }, false],
    ['by another interface', ndp(), { ifindex: 1 }, false],
    ['cut short', ndp().subarray(0, 60), {}, false],
  ])('%s', (_, frame, ancillary, passes) => {
    expect(runClassic(vips.program, frame, { ...here, ...ancillary }) > 0).toBe(passes);
  });

  test('only solicitations when only they are asked for', () => {
    const filter = ndpFilter({ interfaceIndex: 7, types: ['solicitation'] });
    expect([ndp(), ndp({ type: 136 })].map(frame => runClassic(filter.program, frame, here) > 0)).toEqual([true, false]);
  });
});

describe('ClassicAssembler', () => {
  const refused: [string, () => unknown][] = [
    ['a label that is not set', () => new ClassicAssembler().goto('nowhere').ret(0).assemble()],
    ['a label set twice', () => new ClassicAssembler().label('a').label('a')],
    ['a jump back', () => new ClassicAssembler().label('a').load(1, 0).goto('a').ret(0).assemble()],
    [
      'a jump too far',
      () => {
        const asm = new ClassicAssembler().jump('eq', 0, 'end', undefined);
        for (let i = 0; i < 256; i++) asm.load(1, 0);
        return asm.label('end').ret(0).assemble();
      },
    ],
    ['an empty program', () => new ClassicAssembler().assemble()],
  ];
  test.each(refused)('refuses %s', (_, build) => {
    expect(build).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
  });
});
