import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameClient } from './layer2-client.ts';
import { planned, SpeakerLan, until } from './layer2-lan.ts';

/** The addresses of each LAN, and who asks there. */
const LANS = [
  { device: 'eth0', vips: ['10.66.0.240', 'fd66::240'], from: ['10.66.0.9', 'fd66::9'] },
  { device: 'eth1', vips: ['10.67.0.240', 'fd67::240'], from: ['10.67.0.9', 'fd67::9'] },
] as const;
/** Of the first subnet, but for the second LAN. */
const ELSEWHERE = '10.66.0.241';
const ALL: readonly string[] = LANS.flatMap(({ vips }) => [...vips]);

const skip = process.getuid?.() === 0 ? undefined : 'network namespaces need root';

const macOf = (node: number, segment: number): string => `02:6${6 + segment}:00:00:00:0${node + 1}`;

describe.skipIf(skip !== undefined)('three nodes with a NIC on each of two LANs', () => {
  let lan: SpeakerLan;
  let clients: FrameClient[] = [];

  beforeAll(async () => {
    lan = new SpeakerLan(3, { bridges: 2 });
    for (const node of lan.nodes) node.start();
    await until('all nodes to hear each other on both', () =>
      LANS.every(({ device }) => lan.nodes.every(node => node.hears(device).length === 2 && node.ready(device))),
    );
    const [, second] = lan.client.run('ip', 'link', 'show', 'eth1').match(/ether (\S+)/) ?? [];
    clients = [new FrameClient(lan.client), new FrameClient(lan.client, 'eth1', second ?? '')];
    lan.plan([...ALL.map(ip => planned(ip, lan.nodes)), planned(ELSEWHERE, lan.nodes, { interfaces: ['eth1'] })]);
    await until('owners', () => [...ALL, ELSEWHERE].every(ip => lan.owner(ip) !== undefined));
  });

  afterAll(async () => {
    for (const client of clients) client.close();
    await lan?.close();
  });

  const client = (index: number): FrameClient => clients[index] as FrameClient;
  const ownersOn = (segment: number): (string | undefined)[] => LANS[segment]?.vips.map(ip => lan.owner(ip)?.name) ?? [];

  /** Waits until the addresses of a LAN are answered there by one node alone, and by nobody on the other LAN. */
  async function answeredBy(segment: 0 | 1, node: number): Promise<void> {
    const { vips } = LANS[segment];
    for (const [place, ip] of vips.entries()) {
      await until(`node-${node + 1} alone to answer for ${ip}`, async () => {
        const macs = await client(segment).answering(ip, LANS[segment].from[place] ?? '');
        return macs.join() === macOf(node, segment);
      });
      const beyond = LANS[1 - segment];
      expect(await client(1 - segment).answering(ip, beyond?.from[place] ?? '')).toEqual([]);
    }
  }

  it('has an address of each subnet owned on the LAN of that subnet only, with the MAC address of the NIC there', async () => {
    for (const [index, { device, vips }] of LANS.entries())
      for (const ip of vips) expect(lan.node(0).about('acquired', ip)).toMatchObject([{ interface: device, mac: macOf(0, index) }]);
    expect(LANS.map((_, index) => ownersOn(index))).toEqual([
      ['node-1', 'node-1'],
      ['node-1', 'node-1'],
    ]);
    await answeredBy(0, 0);
    await answeredBy(1, 0);
  });

  it('announces an address on its own LAN only', () => {
    const said = clients.map(
      ({ arp, ndp }) =>
        new Set([...arp.map(({ senderIp }) => senderIp), ...ndp.map(({ sourceIp }) => sourceIp)].filter(ip => ALL.includes(ip))),
    );
    expect([...(said[0] ?? [])].filter(ip => !LANS[0].vips.some(vip => vip === ip))).toEqual([]);
    expect([...(said[1] ?? [])].filter(ip => !LANS[1].vips.some(vip => vip === ip))).toEqual([]);
  });

  it('announces an address whose interfaces are named on those, whatever their subnets', async () => {
    expect(lan.node(0).about('acquired', ELSEWHERE)).toMatchObject([{ interface: 'eth1', segment: '10.67.0.0/24', mac: macOf(0, 1) }]);
    expect(await client(1).answering(ELSEWHERE, '10.67.0.9')).toEqual([macOf(0, 1)]);
    expect(await client(0).answering(ELSEWHERE, '10.66.0.9')).toEqual([]);
  });

  it.each([
    { what: 'a link that goes down', turn: link },
    { what: 'a cable that is pulled behind the next switch', turn: (node: number, up: boolean) => lan.cable(node, up, 1) },
  ])('moves the addresses of one LAN alone: $what', async ({ turn }) => {
    const before = lan.nodes.findIndex(({ name }) => name === ownersOn(1)[0]);
    const events = () =>
      LANS[0].vips.map(ip => lan.nodes.map(node => node.about('acquired', ip).length + node.about('released', ip).length));
    const told = events();
    turn(before, false);
    await until('another owner on the second', () => ownersOn(1).every(owner => owner !== undefined && owner !== lan.node(before).name));
    expect(ownersOn(0)).toEqual(['node-1', 'node-1']);
    const owner = lan.nodes.findIndex(({ name }) => name === ownersOn(1)[0]);
    await answeredBy(1, owner);
    await answeredBy(0, 0);
    turn(before, true);
    await until('all to hear each other again', () => lan.nodes.every(node => node.hears('eth1').length === 2));
    expect(ownersOn(1)).toEqual([`node-${owner + 1}`, `node-${owner + 1}`]);
    expect(events()).toEqual(told);
  });

  function link(node: number, up: boolean): void {
    const { host } = lan.node(node);
    host.run('ip', 'link', 'set', 'eth1', up ? 'up' : 'down');
    // IPv6 addresses go with the link; a network manager brings them back.
    if (up) host.run('ip', 'addr', 'replace', `fd67::${node + 1}/64`, 'dev', 'eth1', 'nodad');
  }
});
