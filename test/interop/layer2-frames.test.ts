import {
  ARP_REPLY,
  ARP_REQUEST,
  type ArpPacket,
  detectionSolicitation,
  encodeArp,
  encodeNdp,
  gratuitousArp,
  mutate,
  NEIGHBOUR_ADVERTISEMENT,
  NEIGHBOUR_SOLICITATION,
  type NeighbourAdvertisement,
  type NeighbourSolicitation,
  seededRandom,
  unsolicitedAdvertisement,
} from '@herald/speaker/testing';
import { openKernelResponder } from 'raw-socket';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameClient } from './layer2-client.ts';
import { type LanNode, planned, SpeakerLan, until } from './layer2-lan.ts';

const VIP4 = '10.66.0.240';
const VIP6 = 'fd66::240';
const STRANGER = '02:66:00:00:00:66';

function kernelUnavailable(): string | undefined {
  const opened = openKernelResponder();
  if (!opened.available) return opened.because;
  opened.responder.close();
  return undefined;
}

const unavailable = process.getuid?.() === 0 ? kernelUnavailable() : 'not root';

describe.each([
  { responder: 'packet' as const, skip: process.getuid?.() === 0 ? undefined : 'not root' },
  { responder: 'auto' as const, skip: unavailable },
])('answers of the $responder responder', ({ responder, skip }) => {
  if (skip !== undefined) {
    it.skip(`needs more permissions: ${skip}`, () => undefined);
    return;
  }
  let lan: SpeakerLan;
  let node: LanNode;
  let client: FrameClient;

  beforeAll(async () => {
    lan = new SpeakerLan(1);
    node = lan.node(0);
    node.start({ responder });
    lan.plan([VIP4, VIP6].map(ip => planned(ip, [node])));
    await until('both addresses to be owned', () => node.owns(VIP4) && node.owns(VIP6));
    // Announcements are repeated for five seconds; until then an advertisement may be one of them and no answer.
    await new Promise(resolve => setTimeout(resolve, 6_000));
    client = new FrameClient(lan.client);
  });

  afterAll(async () => {
    client?.close();
    await lan?.close();
  });

  /**
   * Sends `frame` and then two questions that are surely answered, one for each socket of the responder (the nonce keeps the second from
   * being answered in the kernel, ahead of the queue): what came before their answers is all there is.
   */
  async function answersTo(frame: Uint8Array): Promise<(ArpPacket | NeighbourAdvertisement)[]> {
    client.clear();
    client.send(frame);
    client.send(encodeArp(request({ senderIp: '10.66.0.123' })));
    client.send(encodeNdp(solicitation({ sourceIp: 'fd66::123', nonce: Buffer.from('010203040506', 'hex') })));
    const lastArp = await until('the answer to the ARP question after it', () =>
      client.arp.find(packet => packet.operation === ARP_REPLY && packet.targetIp === '10.66.0.123'),
    );
    const lastNdp = await until('the answer to the solicitation after it', () =>
      client.ndp.find(packet => isAdvertisement(packet) && packet.destinationIp === 'fd66::123'),
    );
    const arp = client.arp.filter(packet => packet.operation === ARP_REPLY && packet.senderIp === VIP4 && packet !== lastArp);
    return [...arp, ...client.ndp.filter(isAdvertisement).filter(packet => packet !== lastNdp)];
  }

  function request(change: Partial<ArpPacket> = {}): ArpPacket {
    return {
      destination: 'ff:ff:ff:ff:ff:ff',
      source: client.mac,
      operation: ARP_REQUEST,
      senderMac: client.mac,
      senderIp: '10.66.0.9',
      targetMac: '00:00:00:00:00:00',
      targetIp: VIP4,
      ...change,
    };
  }

  function solicitation(change: Partial<NeighbourSolicitation> = {}): NeighbourSolicitation {
    return {
      type: NEIGHBOUR_SOLICITATION,
      destination: '33:33:ff:00:02:40',
      source: client.mac,
      sourceIp: 'fd66::9',
      destinationIp: 'ff02::1:ff00:240',
      target: VIP6,
      linkLayer: client.mac,
      ...change,
    };
  }

  function withoutOption(): NeighbourSolicitation {
    const packet = solicitation();
    delete packet.linkLayer;
    return packet;
  }

  it('is the one that was asked for', async () => {
    const report = await until('a report', () => node.events.findLast(event => event.kind === 'report'));
    expect(report.segments.map(segment => segment.responder)).toEqual([responder === 'auto' ? 'kernel' : 'packet']);
  });

  const arpAnswer = () => ({
    operation: ARP_REPLY,
    destination: client.mac,
    source: node.host.mac,
    senderMac: node.host.mac,
    targetMac: client.mac,
  });
  const naAnswer = () => ({ source: node.host.mac, linkLayer: node.host.mac, override: true, router: false });

  it.each<[string, () => Buffer, () => object]>([
    ['a broadcast ARP request', () => encodeArp(request()), () => ({ ...arpAnswer(), targetIp: '10.66.0.9' })],
    ['a unicast ARP request', () => encodeArp(request({ destination: node.host.mac })), arpAnswer],
    ['a request with the target MAC filled in', () => encodeArp(request({ targetMac: STRANGER })), arpAnswer],
    ['a padded ARP request', () => Buffer.concat([encodeArp(request()), Buffer.alloc(18)]), arpAnswer],
    ['an ARP probe (RFC 5227)', () => encodeArp(request({ senderIp: '0.0.0.0' })), () => ({ ...arpAnswer(), targetIp: '0.0.0.0' })],
    [
      'a solicitation to the group',
      () => encodeNdp(solicitation()),
      () => ({ ...naAnswer(), solicited: true, destination: client.mac, destinationIp: 'fd66::9' }),
    ],
    [
      'a unicast solicitation (neighbour unreachability detection)',
      () => encodeNdp(solicitation({ destination: node.host.mac, destinationIp: VIP6 })),
      () => ({ ...naAnswer(), solicited: true, destinationIp: 'fd66::9' }),
    ],
    [
      'a solicitation without link-layer option',
      () => encodeNdp(withoutOption()),
      () => ({ ...naAnswer(), solicited: true, destination: client.mac }),
    ],
    [
      'a solicitation with a nonce',
      () => encodeNdp(solicitation({ nonce: Buffer.from('112233445566', 'hex') })),
      () => ({ ...naAnswer(), solicited: true }),
    ],
    [
      'duplicate address detection',
      () => encodeNdp(detectionSolicitation(VIP6, client.mac)),
      () => ({ ...naAnswer(), solicited: false, destination: '33:33:00:00:00:01', destinationIp: 'ff02::1' }),
    ],
  ])('answers once: %s', async (_, frame, expected) => {
    const answers = await answersTo(frame());
    expect(answers).toHaveLength(1);
    expect(answers[0]).toMatchObject(expected());
  });

  it.each<[string, () => Buffer]>([
    ['a request for an address nobody announces', () => encodeArp(request({ targetIp: '10.66.0.241' }))],
    ['a request to the MAC of another host', () => encodeArp(request({ destination: STRANGER }))],
    ['a request with a VLAN tag', () => tagged(encodeArp(request()))],
    ['a reply', () => encodeArp(request({ operation: ARP_REPLY }))],
    ['a request for another hardware type', () => octets(encodeArp(request()), 15, 6)],
    ['a request cut short', () => encodeArp(request()).subarray(0, 40)],
    ['a solicitation for an address nobody announces', () => encodeNdp(solicitation({ target: 'fd66::1:240' }))],
    ['a solicitation with hop limit 254', () => octets(encodeNdp(solicitation()), 21, 254)],
    ['a solicitation with a wrong checksum', () => octets(encodeNdp(solicitation()), 56, 0xde, 0xad)],
    ['a solicitation with a VLAN tag', () => tagged(encodeNdp(solicitation()))],
    ['a solicitation to the MAC of another host', () => encodeNdp(solicitation({ destination: STRANGER, destinationIp: VIP6 }))],
  ])('does not answer: %s', async (_, frame) => {
    expect(await answersTo(frame())).toEqual([]);
  });

  it('joins the solicited-node group with a membership that switches see', () => {
    expect(node.host.run('ip', '-6', 'maddr', 'show', 'dev', 'eth0')).toContain('ff02::1:ff00:240');
  });

  it('reports a stranger that claims the address, once, and defends it', async () => {
    client.clear();
    for (let times = 0; times < 3; times++) client.send(encodeArp({ ...gratuitousArp(VIP4, client.mac) }));
    client.send(encodeNdp(unsolicitedAdvertisement(VIP6, client.mac, 'ff02::1')));
    await until('both conflicts', () => node.about('conflict', VIP4).length > 0 && node.about('conflict', VIP6).length > 0);
    expect(node.about('conflict', VIP4)).toMatchObject([{ mac: client.mac, phase: 'announcing', interface: 'eth0' }]);
    const defence = () => client.arp.filter(packet => packet.senderIp === VIP4 && packet.targetIp === VIP4);
    await until('the defence', () => defence().length > 0);
    expect(defence()).toHaveLength(1);
  });

  it('survives 10,000 mutated frames and answers none of them wrongly', async () => {
    const random = seededRandom(11);
    const good = [encodeArp(request()), encodeNdp(solicitation()), encodeNdp(detectionSolicitation(VIP6, client.mac))];
    for (let run = 0; run < 10_000; run++) {
      const frame = mutate(good[run % good.length] ?? Buffer.alloc(0), random);
      if (frame.length >= 14) client.send(frame);
      if (run % 200 === 0) await new Promise(resolve => setImmediate(resolve));
    }
    // What is still on its way comes before the answer to this one.
    await answersTo(encodeArp(request()));
    const ours = client.arp.filter(packet => packet.source === node.host.mac && packet.operation === ARP_REPLY);
    expect(ours.filter(packet => packet.senderIp !== VIP4 || packet.senderMac !== node.host.mac)).toEqual([]);
    const advertised = client.ndp.filter(packet => packet.source === node.host.mac && packet.type === NEIGHBOUR_ADVERTISEMENT);
    expect(advertised.filter(packet => packet.linkLayer !== node.host.mac)).toEqual([]);
    expect(await answersTo(encodeArp(request()))).toHaveLength(1);
    expect(node.events.filter(event => event.kind === 'problem')).toEqual([]);
  });
});

function isAdvertisement(packet: { type: number; target: string }): packet is NeighbourAdvertisement {
  return packet.type === NEIGHBOUR_ADVERTISEMENT && packet.target === VIP6;
}

function octets(frame: Buffer, at: number, ...values: number[]): Buffer {
  frame.set(values, at);
  return frame;
}

function tagged(frame: Buffer): Buffer {
  return Buffer.concat([frame.subarray(0, 12), Buffer.from([0x81, 0x00, 0x00, 0x0a]), frame.subarray(12)]);
}
