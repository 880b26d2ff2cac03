import { ARP_REPLY } from '@herald/speaker/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FrameClient } from './layer2-client.ts';
import { type LanNode, planned, SpeakerLan, until } from './layer2-lan.ts';

const VIP = '10.66.0.240';

const skip = process.getuid?.() === 0 ? undefined : 'network namespaces need root';

const told = ({ events }: LanNode) => {
  const report = events.findLast(event => event.kind === 'report');
  return report && { used: report.segments.map(segment => segment.interface), excluded: report.excluded };
};

describe.skipIf(skip !== undefined)('interfaces that are excluded by name', () => {
  let lan: SpeakerLan;

  beforeEach(() => {
    lan = new SpeakerLan(2);
    for (const node of lan.nodes) node.start({ excludeInterfaces: ['lo', 'eth.*'] });
  });
  afterEach(async () => {
    await lan?.close();
  });

  it('are told of, used while an address names them, and left alone afterwards', async () => {
    await until('the first reports', () => lan.nodes.every(node => told(node) !== undefined));
    expect(lan.nodes.map(told)).toEqual(lan.nodes.map(() => ({ used: [], excluded: ['eth0'] })));

    lan.plan([planned(VIP, lan.nodes, { interfaces: ['eth0'] })]);
    await until('an owner', () => lan.owner(VIP));
    await until('the reports', () => lan.nodes.every(node => told(node)?.used.length === 1));
    expect(lan.nodes.map(told)).toEqual(lan.nodes.map(() => ({ used: ['eth0'], excluded: [] })));

    for (const { thread } of lan.nodes) thread?.command({ kind: 'addresses', set: [], remove: [VIP] });
    await until('the reports', () => lan.nodes.every(node => told(node)?.used.length === 0));
    expect(lan.nodes.map(told)).toEqual(lan.nodes.map(() => ({ used: [], excluded: ['eth0'] })));
    expect(lan.owner(VIP)).toBeUndefined();
  });
});

describe.skipIf(skip !== undefined)('two interfaces in one subnet', () => {
  const SECOND_MAC = '02:66:00:00:00:51';
  let lan: SpeakerLan;
  let client: FrameClient;

  beforeEach(() => {
    lan = new SpeakerLan(1);
    client = new FrameClient(lan.client);
    const { host } = lan.node(0);
    host.run('ip', 'link', 'add', 'link', 'eth0', 'name', 'second', 'address', SECOND_MAC, 'type', 'macvlan', 'mode', 'bridge');
    host.run('ip', 'link', 'set', 'second', 'up');
    host.run('ip', 'addr', 'add', '10.66.0.51/24', 'dev', 'second');
  });
  afterEach(async () => {
    client?.close();
    await lan?.close();
  });

  /** MACs that answer one question. */
  async function answering(): Promise<string[]> {
    client.clear();
    client.ask(VIP);
    await new Promise(resolve => setTimeout(resolve, 300));
    return client.arp.filter(packet => packet.operation === ARP_REPLY && packet.senderIp === VIP).map(packet => packet.senderMac);
  }

  it('only one of them answers, and the other takes its place', async () => {
    const node = lan.node(0);
    node.start({ addresses: [planned(VIP, lan.nodes)] });
    await until('the answer of the first', async () => (await answering()).join() === node.host.mac);
    expect(node.events.filter(event => event.kind === 'note')).toMatchObject([
      { message: expect.stringContaining('second is in the subnet') },
    ]);
    node.host.run('ip', 'addr', 'del', '10.66.0.1/24', 'dev', 'eth0');
    await until('the answer of the second', async () => (await answering()).join() === SECOND_MAC);
    expect(node.about('acquired', VIP)).toMatchObject([{ interface: 'eth0' }, { interface: 'second', mac: SECOND_MAC }]);
  });
});
