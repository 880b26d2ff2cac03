import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { formatIp } from '../inet.ts';
import { arpFrame, icmp6Checksum, ndpFrame } from '../testing/frames.ts';
import type { Lan } from '../testing/lan.ts';
import { ResponderBed, responderUnavailable, VIP_MAC, VIP4, VIP6 } from '../testing/responder-bed.ts';
import { kernelAnswers } from './kernel-answers.ts';
import type { KernelResponder } from './responder.ts';

const option = (bytes: string): Buffer => Buffer.from(bytes, 'hex');
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

/** Where the form is right: the target is one of the two, and the checksum is right. */
function asksForVip(frame: Buffer): boolean {
  if (frame.readUInt16BE(12) === 0x0806) return formatIp(frame.subarray(38, 42)) === VIP4;
  return formatIp(frame.subarray(62, 78)) === VIP6 && frame.readUInt16BE(56) === checksumOf(frame);
}

function checksumOf(frame: Buffer): number {
  const message = Buffer.from(frame.subarray(54));
  message.writeUInt16BE(0, 2);
  return icmp6Checksum(frame.subarray(22, 38), frame.subarray(38, 54), message);
}

function repairChecksum(frame: Buffer): void {
  frame.writeUInt16BE(checksumOf(frame), 56);
}

const skip = responderUnavailable();

describe.skipIf(skip)(`what KernelResponder answers${skip ? ` (${skip})` : ''}`, () => {
  let bed: ResponderBed;
  let responder: KernelResponder;
  beforeAll(() => {
    bed = new ResponderBed();
  });
  beforeEach(() => {
    responder = bed.start();
  });
  afterEach(() => bed.reset());
  afterAll(() => bed?.close());

  test.each([
    ['an ARP request', VIP4, false],
    ['a unicast ARP request', VIP4, true],
    ['a solicitation', VIP6, false],
    ['a unicast solicitation', VIP6, true],
  ])('%s is answered from our VIP_MAC with the VIP_MAC of the table', (_, address, unicast) => {
    const answer = bed.asker.ask(address, unicast);
    expect(answer).toMatchObject({ source: bed.lan.host.mac, destination: bed.lan.peer.mac, address, mac: VIP_MAC });
    expect(kernelAnswers(bed.asker.question(address, unicast))).toBe(true);
    expect(responder.get(bed.index, address)?.hits).toBe(1n);
  });

  test('the ARP answer, byte for byte (RFC 826)', () => {
    expect(bed.asker.ask(VIP4)?.frame).toEqual(
      arpFrame({
        operation: 2,
        destination: bed.lan.peer.mac,
        source: bed.lan.host.mac,
        senderMac: VIP_MAC,
        senderIp: VIP4,
        targetMac: bed.lan.peer.mac,
        targetIp: '10.66.0.2',
      }),
    );
  });

  test('the advertisement, byte for byte (RFC 4861 §4.4): S and O set', () => {
    expect(bed.asker.ask(VIP6)?.frame).toEqual(
      ndpFrame({
        type: 136,
        destination: bed.lan.peer.mac,
        source: bed.lan.host.mac,
        sourceIp: VIP6,
        destinationIp: 'fd66::2',
        target: VIP6,
        flags: 0x60,
        options: Buffer.from(`0201${VIP_MAC.replaceAll(':', '')}`, 'hex'),
      }),
    );
  });

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
    expect(bed.asker.exchange(frame(bed.lan))).toBeUndefined();
    expect(kernelAnswers(frame(bed.lan))).toBe(why === 'other');
    expect(responder.entries().map(entry => entry.hits)).toEqual([0n, 0n]);
  });

  test('ARP probes (RFC 5227) are answered: the address is taken', () => {
    expect(bed.asker.exchange(arp({ senderIp: '0.0.0.0' })(bed.lan))).toMatchObject({ mac: VIP_MAC });
  });

  test('ARP padded to the least Ethernet length is answered', () => {
    expect(bed.asker.exchange(Buffer.concat([arp({})(bed.lan), Buffer.alloc(18)]))).toMatchObject({ mac: VIP_MAC });
  });

  test('2,000 mutated frames: answered are exactly those whose form says so, and never wrongly', () => {
    let state = 12345;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    let answered = 0;
    for (let i = 0; i < 2000; i++) {
      const frame = Buffer.from(i % 2 === 0 ? arp({})(bed.lan) : ndp({})(bed.lan));
      const first = random(3) === 0 ? 0 : 14;
      for (let n = random(3); n >= 0; n--) frame[first + random(frame.length - first)] = random(256);
      if (i % 4 === 1) repairChecksum(frame);
      const wanted = first === 14 && kernelAnswers(frame) && asksForVip(frame);
      const seen = bed.asker.exchange(frame, wanted ? 500 : 0.3);
      // A request may have turned into one for the host's own address, which its kernel answers.
      const answer = seen?.address === '10.66.0.1' ? undefined : seen;
      // With another Ethernet destination the kernel may not take the frame for its own.
      if (first === 14) expect([i, answer !== undefined]).toEqual([i, wanted]);
      if (!answer) continue;
      answered += 1;
      expect(kernelAnswers(frame)).toBe(true);
      expect([VIP4, VIP6]).toContain(answer.address);
      expect(answer.mac).toBe(VIP_MAC);
    }
    expect(answered).toBeGreaterThan(100);
  });
});
