import { describe, expect, it } from 'vitest';
import { seededRandom } from '../mesh/random.ts';
import { mutate } from './fuzz.ts';
import {
  ALL_NODES,
  ALL_ROUTERS,
  decodeNdp,
  detectionSolicitation,
  directedSolicitation,
  encodeNdp,
  multicastMac,
  type NdpPacket,
  NEIGHBOUR_ADVERTISEMENT,
  NEIGHBOUR_SOLICITATION,
  type NeighbourSolicitation,
  repairChecksum,
  solicitedAdvertisement,
  solicitedNode,
  unsolicitedAdvertisement,
} from './ndp.ts';

const OURS = '02:00:00:00:00:01';
const THEIRS = '02:00:00:00:00:99';
const VIP = 'fd00:150::240';
const ASKER = 'fd00:150::10';

const solicitation: NeighbourSolicitation = {
  type: NEIGHBOUR_SOLICITATION,
  destination: '33:33:ff:00:02:40',
  source: THEIRS,
  sourceIp: ASKER,
  destinationIp: 'ff02::1:ff00:240',
  target: VIP,
  linkLayer: THEIRS,
};

/** Changes octets and makes the checksum right again, unless the change is about the checksum. */
function changed(packet: NdpPacket, change: (frame: Buffer) => void, repair = true): Buffer {
  const frame = encodeNdp(packet);
  change(frame);
  if (repair) {
    frame.writeUInt16BE(0, 56);
    let sum = frame.length - 54 + 58;
    for (let at = 22; at < frame.length; at += 2) sum += frame.readUInt16BE(at);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    frame.writeUInt16BE(~sum & 0xffff, 56);
  }
  return frame;
}

describe('decodeNdp', () => {
  it('reads a solicitation of a Linux host, as captured', () => {
    // 86 octets, `ndisc6 fe80::2 eth0` from fe80::1.
    const frame = Buffer.from(
      '3333ff00000202000000009986dd6000000000203afffe800000000000000000000000000001ff0200000000000000000001ff000002870072ad00000000fe8000000000000000000000000000020101020000000099',
      'hex',
    );
    const packet = decodeNdp(changed(solicitation, () => undefined));
    expect(packet).toEqual(solicitation);
    expect(decodeNdp(repairChecksum(frame))).toMatchObject({
      type: NEIGHBOUR_SOLICITATION,
      sourceIp: 'fe80::1',
      target: 'fe80::2',
      linkLayer: THEIRS,
    });
  });

  it.each([
    ['nothing', 'short', Buffer.alloc(0)],
    ['a frame without options that ends early', 'short', encodeNdp(solicitation).subarray(0, 77)],
    ['IPv4', 'not-ndp', changed(solicitation, frame => frame.writeUInt16BE(0x0800, 12), false)],
    ['an IP version of 4 in an IPv6 frame', 'not-ndp', changed(solicitation, frame => frame.writeUInt8(0x45, 14), false)],
    ['an extension header first', 'not-ndp', changed(solicitation, frame => frame.writeUInt8(0, 20), false)],
    ['a router solicitation', 'not-ndp', changed(solicitation, frame => frame.writeUInt8(133, 54))],
    ['a hop limit of 254: it came through a router', 'hop-limit', changed(solicitation, frame => frame.writeUInt8(254, 21))],
    ['a code that is not zero', 'code', changed(solicitation, frame => frame.writeUInt8(1, 55))],
    ['a payload length beyond the frame', 'length', changed(solicitation, frame => frame.writeUInt16BE(33, 18), false)],
    ['a payload length below the message', 'length', changed(solicitation, frame => frame.writeUInt16BE(16, 18), false)],
    ['a wrong checksum', 'checksum', changed(solicitation, frame => frame.writeUInt8(0x55, 70), false)],
    ['a multicast target', 'target', changed({ ...solicitation, target: 'ff02::1' }, () => undefined)],
    ['an option of length zero', 'option', changed(solicitation, frame => frame.writeUInt8(0, 79))],
    ['an option that runs over the end', 'option', changed(solicitation, frame => frame.writeUInt8(2, 79))],
    ['a group MAC as link-layer address', 'option', changed({ ...solicitation, linkLayer: '03:00:00:00:00:01' }, () => undefined)],
    ['duplicate detection with a link-layer option', 'unspecified-source', changed({ ...solicitation, sourceIp: '::' }, () => undefined)],
    [
      'duplicate detection to the wrong group',
      'unspecified-source',
      encodeNdp({ ...detectionSolicitation(VIP, THEIRS), destinationIp: 'ff02::1:ff00:241' }),
    ],
    ['a solicitation from a group', 'multicast-source', encodeNdp({ ...solicitation, sourceIp: 'ff02::1:2' })],
    [
      'a solicited advertisement to a group',
      'solicited-multicast',
      encodeNdp({ ...unsolicitedAdvertisement(VIP, THEIRS, ALL_NODES), solicited: true }),
    ],
  ])('%s: %s', (_, fault, frame) => {
    expect(decodeNdp(frame)).toBe(fault);
  });

  it('keeps the nonce of RFC 7527 apart from padding and unknown options', () => {
    const nonce = Buffer.from('a1b2c3d4e5f6', 'hex');
    expect(decodeNdp(encodeNdp({ ...solicitation, nonce }))).toEqual({ ...solicitation, nonce: new Uint8Array(nonce) });
  });

  it('survives 50,000 mutated frames, and reads again what it read', () => {
    const random = seededRandom(2);
    const frames = [solicitation, detectionSolicitation(VIP, THEIRS), unsolicitedAdvertisement(VIP, THEIRS, ALL_NODES)].map(encodeNdp);
    for (let run = 0; run < 50_000; run++) {
      const mutated = mutate(frames[run % frames.length] ?? Buffer.alloc(0), random);
      // Nearly every change breaks the checksum; half of the runs repair it to get behind it.
      const packet = decodeNdp(run % 2 === 0 ? mutated : repairChecksum(mutated));
      if (typeof packet === 'object') expect(decodeNdp(encodeNdp(packet))).toEqual(packet);
    }
  });
});

describe('answers', () => {
  it.each([
    [
      'a host with an address: solicited, override, no router, to it alone',
      solicitation,
      { destination: THEIRS, destinationIp: ASKER, solicited: true },
    ],
    [
      'duplicate detection: to all nodes, not solicited',
      detectionSolicitation(VIP, THEIRS),
      { destination: '33:33:00:00:00:01', destinationIp: ALL_NODES, solicited: false },
    ],
    [
      'no link-layer option: to the source of the frame',
      { ...withoutOption(solicitation), source: '02:00:00:00:00:77' },
      { destination: '02:00:00:00:00:77' },
    ],
  ])('%s', (_, request, expected) => {
    const answer = solicitedAdvertisement(request, OURS, OURS);
    expect(answer).toMatchObject({
      type: NEIGHBOUR_ADVERTISEMENT,
      override: true,
      router: false,
      linkLayer: OURS,
      target: VIP,
      sourceIp: VIP,
      ...expected,
    });
    expect(decodeNdp(encodeNdp(answer))).toEqual(answer);
  });
});

describe('frames we send', () => {
  it.each([
    [
      'to all nodes',
      unsolicitedAdvertisement(VIP, OURS, ALL_NODES),
      { destination: '33:33:00:00:00:01', solicited: false, override: true },
    ],
    ['to all routers', unsolicitedAdvertisement(VIP, OURS, ALL_ROUTERS), { destination: '33:33:00:00:00:02' }],
    [
      'directed, MAC known',
      directedSolicitation(VIP, OURS, { ip: ASKER, mac: THEIRS }),
      { destination: THEIRS, destinationIp: ASKER, sourceIp: VIP, target: ASKER },
    ],
    [
      'directed, MAC unknown',
      directedSolicitation(VIP, OURS, { ip: ASKER }),
      { destination: '33:33:ff:00:00:10', destinationIp: 'ff02::1:ff00:10' },
    ],
    ['detection', detectionSolicitation(VIP, OURS), { sourceIp: '::', destinationIp: 'ff02::1:ff00:240' }],
  ])('%s', (_, packet, expected) => {
    expect(packet).toMatchObject(expected);
    expect(decodeNdp(encodeNdp(packet))).toEqual(packet);
  });
});

it.each([
  ['fd00:150::240', 'ff02::1:ff00:240', '33:33:ff:00:02:40'],
  ['2001:db8::12ab:cdef', 'ff02::1:ffab:cdef', '33:33:ff:ab:cd:ef'],
])('the group of %s is %s at %s', (ip, group, mac) => {
  expect(solicitedNode(ip)).toBe(group);
  expect(multicastMac(group)).toBe(mac);
});

function withoutOption(packet: NeighbourSolicitation): NeighbourSolicitation {
  const copy = { ...packet };
  delete copy.linkLayer;
  return copy;
}
