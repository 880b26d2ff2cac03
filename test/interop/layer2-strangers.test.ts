import { NEIGHBOUR_ADVERTISEMENT } from '@herald/speaker/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FrameClient } from './layer2-client.ts';
import { type LanNode, planned, SpeakerLan, until } from './layer2-lan.ts';

const VIP4 = '10.66.0.240';
const VIP6 = 'fd66::240';
const VIPS = [VIP4, VIP6];

const skip = process.getuid?.() === 0 ? undefined : 'network namespaces need root';

describe.skipIf(skip !== undefined)('an address that a stranger has from the beginning', () => {
  let lan: SpeakerLan;
  let client: FrameClient;
  let asking: ReturnType<typeof setInterval> | undefined;

  beforeEach(async () => {
    lan = new SpeakerLan(3);
    // The client is the stranger: what anybody else says of the address, by broadcast or to it, is seen there.
    lan.client.run('ip', 'addr', 'add', `${VIP4}/24`, 'dev', 'eth0');
    lan.client.run('ip', 'addr', 'add', `${VIP6}/64`, 'dev', 'eth0', 'nodad');
    client = new FrameClient(lan.client);
    for (const node of lan.nodes) node.start();
    await until('all nodes to hear each other', () => lan.nodes.every(node => node.hears().length === 2));
    lan.plan(plan());
    await until('the first to find the stranger', () => found(lan.node(0)));
    asking = setInterval(ask, 20);
  });

  afterEach(async () => {
    clearInterval(asking);
    client?.close();
    await lan?.close();
  });

  /** Others answer for a node whose speaker is away, and nobody has ever had these. */
  const plan = () => VIPS.map(ip => planned(ip, lan.nodes, { epoch: 0, hold: 60_000 }));

  function found(...nodes: readonly LanNode[]): boolean {
    return VIPS.every(ip =>
      nodes.some(node => node.about('conflict', ip).some(({ phase, mac }) => phase === 'probe' && mac === lan.client.mac)),
    );
  }

  function ask(): void {
    for (const ip of VIPS) client.ask(ip);
  }

  /** What somebody other than the stranger said of its addresses, by answer or announcement. */
  function said(): unknown[] {
    return [
      ...client.arp.filter(({ senderIp }) => senderIp === VIP4),
      ...client.ndp.filter(packet => packet.type === NEIGHBOUR_ADVERTISEMENT && packet.target === VIP6),
    ];
  }

  it.each([
    ['its speaker is killed', async (node: LanNode) => node.stop()],
    [
      'its speaker restarts',
      async (node: LanNode) => {
        await node.thread?.leave(1_000, true);
        await node.stop();
        node.start({ addresses: plan() });
        await until('it to hear the others', () => node.hears().length === 2);
      },
    ],
    [
      'its node is drained',
      async (node: LanNode) => {
        await node.thread?.leave(5_000);
        await node.stop();
      },
    ],
  ])('is not announced by the next node either when that one found it, and %s', async (_, loses) => {
    await loses(lan.node(0));
    // The next in line, or the one after it where the machine is busy.
    await until('another to find the stranger', () => found(...lan.nodes.slice(1)));
    expect(lan.nodes.flatMap(node => VIPS.flatMap(ip => node.about('acquired', ip)))).toEqual([]);
    expect(said()).toEqual([]);
  });
});
