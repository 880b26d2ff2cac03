import { describe, expect, it } from 'vitest';
import { FrameClient } from './layer2-client.ts';
import { hasDevice, LAN_DEVICES, type LanDevice, planned, SpeakerLan, until } from './layer2-lan.ts';

const VIPS = { 4: '10.66.0.240', 6: 'fd66::240' } as const;
const CLIENT = { 4: '10.66.0.9', 6: 'fd66::9' } as const;
/** What IPv6 hosts usually have for a gateway: the client's, of its MAC address (RFC 4291, appendix A). */
const LINK_LOCAL_GATEWAY = 'fe80::66:ff:fe00:9';

interface Case {
  name: string;
  families: readonly (4 | 6)[];
  device: LanDevice;
  /** Of the nodes. */
  gateway?: string;
}

const BOTH = [4, 6] as const;
const root = process.getuid?.() === 0;
const CASES: readonly (Case & { skip: string | undefined })[] = (
  [
    { name: 'hosts without IPv6', families: [4], device: 'nic' },
    {
      name: 'hosts without IPv4, whose gateway has a link-local address',
      families: [6],
      device: 'nic',
      gateway: LINK_LOCAL_GATEWAY,
    },
    { name: 'hosts without IPv4 and without a gateway', families: [6], device: 'nic' },
    { name: 'a bridge whose port is the NIC', families: BOTH, device: 'bridge' },
    { name: 'a macvlan device', families: BOTH, device: 'macvlan' },
    { name: 'a VLAN device', families: BOTH, device: 'vlan' },
    { name: 'a bond', families: BOTH, device: 'bond' },
    { name: 'a member of a VRF', families: BOTH, device: 'vrf' },
  ] as readonly Case[]
).map(each => {
  if (!root) return { ...each, skip: 'network namespaces need root' };
  return { ...each, skip: hasDevice(each.device) ? undefined : `this kernel has no ${each.device} devices` };
});

describe.concurrent.each(CASES)('on $name', ({ families, device, gateway, skip }) => {
  it.skipIf(skip !== undefined)(
    `one node answers, and another one as soon as its cable is out${skip === undefined ? '' : ` (${skip})`}`,
    { timeout: 110_000 },
    async () => {
      const name = LAN_DEVICES[device];
      const lan = new SpeakerLan(2, { families, device });
      const client = new FrameClient(lan.client, device === 'vlan' ? name : 'eth0');
      try {
        const [first, second] = [lan.node(0), lan.node(1)];
        if (gateway !== undefined)
          for (const node of lan.nodes) node.host.run('ip', 'route', 'add', 'default', 'via', gateway, 'dev', name);
        for (const node of lan.nodes) node.start();
        await until('the nodes to hear each other', () => lan.nodes.every(node => node.hears(name).length === 1 && node.ready(name)));
        const vips = families.map(family => VIPS[family]);
        const asking = families.map(family => ({ vip: VIPS[family], from: CLIENT[family] }));
        const answered = (mac: string) =>
          until(`answers of ${mac} alone`, async () => {
            const answers = await Promise.all(asking.map(({ vip, from }) => client.answering(vip, from)));
            return answers.every(macs => macs.join() === mac);
          });
        const neighbours = () => vips.map(ip => /lladdr (\S+)/.exec(lan.client.run('ip', 'neigh', 'show', ip))?.[1]);
        lan.plan(vips.map(ip => planned(ip, lan.nodes)));
        await until('the first to own all', () => vips.every(ip => lan.owner(ip) === first));
        // On the device that holds the subnet and on no other one, such as what lies beneath it.
        for (const ip of vips) expect(first.about('acquired', ip)).toMatchObject([{ interface: name, mac: first.host.mac }]);
        await answered(first.host.mac);
        if (gateway !== undefined)
          await until('the gateway to confirm', () =>
            vips.every(ip => first.about('confirmed', ip).some(({ neighbour }) => neighbour === gateway)),
          );
        lan.client.input(
          vips.map(ip => `neigh replace ${ip} lladdr ${first.host.mac} dev ${device === 'vlan' ? name : 'eth0'} nud reachable`).join('\n'),
          'ip',
          '-batch',
          '-',
        );

        lan.cable(0, false);
        await until('the second to own all', () => vips.every(ip => second.owns(ip)));
        await until('the client to follow', () => neighbours().every(mac => mac === second.host.mac));
        await answered(second.host.mac);
        await until('the first to give up', () => vips.every(ip => !first.owns(ip)));

        lan.cable(0, true);
        await until('the nodes to hear each other again', () => lan.nodes.every(node => node.hears(name).length === 1));
        expect(vips.map(ip => lan.owner(ip)?.name)).toEqual(vips.map(() => 'node-2'));
        await answered(second.host.mac);
      } finally {
        client.close();
        await lan.close();
      }
    },
  );
});
