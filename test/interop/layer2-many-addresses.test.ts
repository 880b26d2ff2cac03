import { ARP_REPLY, NEIGHBOUR_ADVERTISEMENT } from '@herald/speaker/testing';
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
      for (const ip of [LAST, VIP4]) asker.ask(ip);
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
