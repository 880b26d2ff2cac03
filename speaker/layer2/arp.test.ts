import { describe, expect, it } from 'vitest';
import { seededRandom } from '../mesh/random.ts';
import { ARP_REPLY, type ArpPacket, arpProbe, arpReply, decodeArp, directedArp, encodeArp, gratuitousArp } from './arp.ts';
import { mutate } from './fuzz.ts';

const OURS = '02:00:00:00:00:01';
const THEIRS = '02:00:00:00:00:99';
const VIP = '192.168.150.240';

/** `arping -I eth0 192.168.150.240` from 192.168.150.10, as captured. */
const CAPTURED = Buffer.from(
  'ffffffffffff020000000099080600010800060400010200000000 99c0a8960affffffffffffc0a896f0'.replaceAll(' ', ''),
  'hex',
);

describe('decodeArp', () => {
  it('reads a captured request', () => {
    expect(decodeArp(CAPTURED)).toEqual({
      destination: 'ff:ff:ff:ff:ff:ff',
      source: THEIRS,
      operation: 1,
      senderMac: THEIRS,
      senderIp: '192.168.150.10',
      targetMac: 'ff:ff:ff:ff:ff:ff',
      targetIp: VIP,
    });
  });

  it('ignores the padding of short frames', () => {
    expect(decodeArp(Buffer.concat([CAPTURED, Buffer.alloc(18)]))).toEqual(decodeArp(CAPTURED));
  });

  it.each([
    ['nothing', 'short', (frame: Buffer) => frame.subarray(0, 0)],
    ['a frame that ends within the packet', 'short', (frame: Buffer) => frame.subarray(0, 41)],
    ['another EtherType', 'not-arp', (frame: Buffer) => set(frame, 12, 0x86, 0xdd)],
    ['a VLAN tag', 'not-arp', (frame: Buffer) => set(frame, 12, 0x81, 0x00)],
    ['another hardware type', 'not-ipv4-over-ethernet', (frame: Buffer) => set(frame, 15, 6)],
    ['another protocol type', 'not-ipv4-over-ethernet', (frame: Buffer) => set(frame, 16, 0x86, 0xdd)],
    ['a hardware length of 8', 'not-ipv4-over-ethernet', (frame: Buffer) => set(frame, 18, 8)],
    ['a protocol length of 16', 'not-ipv4-over-ethernet', (frame: Buffer) => set(frame, 19, 16)],
    ['an operation of 3 (RARP)', 'bad-operation', (frame: Buffer) => set(frame, 21, 3)],
    ['an operation of 0', 'bad-operation', (frame: Buffer) => set(frame, 21, 0)],
  ])('%s: %s', (_, fault, change) => {
    expect(decodeArp(change(Buffer.from(CAPTURED)))).toBe(fault);
  });

  it('survives 50,000 mutated frames, and reads again what it read', () => {
    const random = seededRandom(1);
    let read = 0;
    for (let run = 0; run < 50_000; run++) {
      const packet = decodeArp(mutate(CAPTURED, random));
      if (typeof packet === 'string') continue;
      read += 1;
      expect(decodeArp(encodeArp(packet))).toEqual(packet);
    }
    expect(read).toBeGreaterThan(1_000);
  });
});

describe('frames we send', () => {
  const request = decodeArp(CAPTURED) as ArpPacket;

  it.each<[string, ArpPacket, Partial<ArpPacket>]>([
    [
      'a reply goes to the asker',
      arpReply(request, OURS, OURS),
      { destination: THEIRS, source: OURS, operation: ARP_REPLY, senderIp: VIP, targetIp: '192.168.150.10' },
    ],
    ['a reply on behalf of another node names its MAC, from our own', arpReply(request, THEIRS, OURS), { source: OURS, senderMac: THEIRS }],
    [
      'an announcement is a broadcast request with sender = target',
      gratuitousArp(VIP, OURS),
      { operation: 1, senderIp: VIP, targetIp: VIP, targetMac: '00:00:00:00:00:00', destination: 'ff:ff:ff:ff:ff:ff' },
    ],
    [
      'a directed request asks the neighbour for its own address',
      directedArp(VIP, OURS, { ip: '192.168.150.1', mac: THEIRS }),
      { destination: THEIRS, senderIp: VIP, targetIp: '192.168.150.1' },
    ],
    [
      'a directed request to an unknown MAC is broadcast',
      directedArp(VIP, OURS, { ip: '192.168.150.1' }),
      { destination: 'ff:ff:ff:ff:ff:ff' },
    ],
    ['a probe has no sender address', arpProbe(VIP, OURS), { senderIp: '0.0.0.0', targetIp: VIP }],
  ])('%s', (_, packet, expected) => {
    expect(decodeArp(encodeArp(packet))).toEqual(packet);
    expect(packet).toMatchObject(expected);
  });
});

function set(frame: Buffer, at: number, ...octets: number[]): Buffer {
  frame.set(octets, at);
  return frame;
}
