import { ARP_REPLY, ARP_REQUEST, encodeArp, encodeNdp, NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION } from '@herald/speaker/testing';
import { solicitedNodeGroup } from 'raw-socket';
import { describe, expect, it } from 'vitest';
import { FrameClient } from './layer2-client.ts';
import { planned, SpeakerLan, until } from './layer2-lan.ts';

const VIP4 = '10.66.0.240';
const COUNT = 3_000;
const MANY = Array.from({ length: COUNT }, (_, index) => `fd66::1:${(index + 1).toString(16)}`);
const LAST = MANY.at(-1) ?? '';

const skip = process.getuid?.() === 0 ? undefined : 'network namespaces need root';

describe.skipIf(skip !== undefined)('3,000 IPv6 addresses on one interface', () => {
  it('are joined by as many sockets as it takes, and answered, as is what is IPv4', async () => {
    const lan = new SpeakerLan(2);
    let client: FrameClient | undefined;
    try {
      const node = lan.node(0);
      // As on kernels before 6.8, and since 6.8 each namespace has its own: a socket holds a few hundred groups.
      node.host.try('sysctl', '-qw', 'net.core.optmem_max=20480');
      for (const each of lan.nodes) each.start();
      await until('both to hear each other', () => lan.nodes.every(each => each.hears().length === 1));
      lan.plan([...MANY, VIP4].map(ip => planned(ip, lan.nodes)));
      const groups = () => node.host.run('ip', '-6', 'maddr', 'show', 'dev', 'eth0').match(/ff02::1:ff01:/g)?.length ?? 0;
      await until('all groups to be joined', () => groups() === COUNT, 60_000);
      await until('the first to own all', () => [...MANY, VIP4].every(ip => node.owns(ip)), 60_000);
      const asker = new FrameClient(lan.client);
      client = asker;
      const { mac } = asker;
      const { group, mac: groupMac } = solicitedNodeGroup(LAST);
      asker.send(
        encodeNdp({
          type: NEIGHBOUR_SOLICITATION,
          destination: groupMac,
          source: mac,
          sourceIp: 'fd66::9',
          destinationIp: group,
          target: LAST,
          linkLayer: mac,
        }),
      );
      const question = { source: mac, senderMac: mac, senderIp: '10.66.0.9', targetMac: '00:00:00:00:00:00', targetIp: VIP4 };
      asker.send(encodeArp({ destination: 'ff:ff:ff:ff:ff:ff', operation: ARP_REQUEST, ...question }));
      await until('an advertisement', () =>
        asker.ndp.some(
          ({ type, ...packet }) => type === NEIGHBOUR_ADVERTISEMENT && packet.target === LAST && packet.destinationIp === 'fd66::9',
        ),
      );
      await until('a reply', () => asker.arp.some(packet => packet.operation === ARP_REPLY && packet.senderIp === VIP4));
      expect(node.events.filter(({ kind }) => kind === 'problem')).toEqual([]);
    } finally {
      client?.close();
      await lan.close();
    }
  });
});
