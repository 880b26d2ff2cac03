import { ARP_REPLY, ARP_REQUEST, NEIGHBOUR_ADVERTISEMENT, type NeighbourAdvertisement } from '@herald/speaker/testing';
import { openKernelResponder } from 'raw-socket';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FrameClient } from './layer2-client.ts';
import { type LanNode, planned, SpeakerLan, until } from './layer2-lan.ts';

const VIP4 = '10.66.0.240';
const VIP6 = 'fd66::240';
const VIPS = [VIP4, VIP6];
const SEGMENT = '10.66.0.0/24';
const DRAIN = 60_000;

function kernelUnavailable(): string | undefined {
  const opened = openKernelResponder();
  if (!opened.available) return opened.because;
  opened.responder.close();
  return undefined;
}

const isRoot = process.getuid?.() === 0;

describe.each([
  { responder: 'packet' as const, skip: isRoot ? undefined : 'network namespaces need root' },
  { responder: 'auto' as const, skip: isRoot ? kernelUnavailable() : 'network namespaces need root' },
])('a planned move, answered by the $responder responder', ({ responder, skip }) => {
  if (skip !== undefined) {
    it.skip(`needs more permissions: ${skip}`, () => undefined);
    return;
  }
  let lan: SpeakerLan;
  let client: FrameClient;

  beforeEach(async () => {
    lan = new SpeakerLan(3);
    for (const [index, node] of lan.nodes.entries()) {
      // Of what it had before, nothing is announced anew.
      const restored = index === 0 ? [{ segment: SEGMENT, epoch: 7 }] : [];
      node.start({ responder, addresses: VIPS.map(ip => planned(ip, lan.nodes, { drain: DRAIN, hold: DRAIN, restored })) });
      // A node that had to give an address up again would not be the first to be asked for it.
      if (index === 0) await until('the first to own both', () => VIPS.every(ip => lan.owner(ip) === node));
    }
    await until('all nodes to be able to take over', () => lan.nodes.every(node => isAble(node)));
    client = new FrameClient(lan.client);
  });

  afterEach(async () => {
    client?.close();
    await lan?.close();
  });

  /** MACs that answer now, for both families: by ARP, then by NDP. With `of`, it is asked by unicast, as by one that uses them already. */
  async function answering(of?: LanNode): Promise<string[]> {
    client.clear();
    for (const ip of VIPS) client.ask(ip, { mac: of?.host.mac });
    await new Promise(resolve => setTimeout(resolve, 500));
    const arp = client.arp.filter(packet => packet.operation === ARP_REPLY && packet.senderIp === VIP4).map(packet => packet.senderMac);
    // An announcement that comes meanwhile is no answer.
    return [...arp, ...advertisements().flatMap(packet => (packet.solicited ? [packet.linkLayer ?? ''] : []))];
  }

  function advertisements(): NeighbourAdvertisement[] {
    return client.ndp.filter(
      (packet): packet is NeighbourAdvertisement => packet.type === NEIGHBOUR_ADVERTISEMENT && packet.target === VIP6,
    );
  }

  /** Frames that would draw everybody to a node: announcements from the addresses themselves. */
  function announcing(): string[] {
    const arp = client.arp.filter(packet => packet.operation === ARP_REQUEST && packet.senderIp === VIP4).map(packet => packet.senderMac);
    return [...arp, ...advertisements().flatMap(packet => (packet.solicited ? [] : [packet.linkLayer ?? '']))];
  }

  /** The plan takes the first node out, for both addresses. Nobody but the second is to step in, also where that one stands still for a moment. */
  async function move(): Promise<void> {
    client.clear();
    lan.plan(VIPS.map(ip => planned(ip, [lan.node(1)], { drain: DRAIN, hold: DRAIN })));
    await until('the second node to own both', () => VIPS.every(ip => lan.owner(ip) === lan.node(1)));
  }

  it('goes gently: new clients to the new node, old ones stay, and one announcement when they are gone', async () => {
    const [old, next] = [lan.node(0), lan.node(1)];
    await move();
    expect(announcing()).toEqual([]);
    expect(await answering()).toEqual(both(next));
    expect(await answering(old)).toEqual(both(old));
    expect(await answering(next)).toEqual(both(next));
    expect(old.about('released', VIP4)).toMatchObject([{ cause: 'handover', to: 'node-2', lameDuckMs: expect.any(Number) as number }]);
    expect(next.about('acquired', VIP6)).toMatchObject([{ cause: 'handover', quiet: { from: 'node-1' } }]);

    old.thread?.command({ kind: 'flows', counts: VIPS.map(ip => ({ ip, flows: 2 })) });
    await new Promise(resolve => setTimeout(resolve, 200));
    expect(old.about('lame-duck-over', VIP4)).toEqual([]);
    client.clear();
    old.thread?.command({
      kind: 'flows',
      counts: [
        { ip: VIP4, flows: 0 },
        { ip: VIP6, flows: 0 },
      ],
    });
    await until('both announcements', () => new Set(announcing()).size === 1 && announcing().length >= 2);
    expect(announcing()[0]).toBe(next.host.mac);
    expect(next.about('announced', VIP4)).toMatchObject([{ why: 'flows-gone' }]);
    expect(old.about('lame-duck-over', VIP6)).toMatchObject([{ why: 'flows-gone' }]);
    expect(await answering(old)).toEqual([]);
  });

  it('is announced at once when the old node dies, and waits for its speaker when only that is away', async () => {
    const [old, next] = [lan.node(0), lan.node(1)];
    await move();
    await old.stop();
    await new Promise(resolve => setTimeout(resolve, 1_000));
    expect(next.about('announced', VIP4)).toEqual([]);
    const untilMs = Date.now() + DRAIN;
    const lameDucks = [{ segment: SEGMENT, to: next.id, untilMs }];
    old.start({ responder, addresses: VIPS.map(ip => planned(ip, lan.nodes.slice(1), { drain: DRAIN, lameDucks })) });
    await until('the speaker to go on where it was', () => VIPS.every(ip => old.about('lame-duck', ip).length > 0));
    expect(await answering(old)).toEqual(both(old));
    expect(announcing()).toEqual([]);

    lan.cable(0, false);
    await until('both announcements', () => VIPS.every(ip => next.about('announced', ip).length > 0));
    expect(next.about('announced', VIP4)).toMatchObject([{ why: 'old-owner-gone' }]);
    expect(await answering()).toEqual(both(next));
  });

  it('a speaker that leaves waits for its flows, and what it leaves behind is announced', async () => {
    const [old, next] = [lan.node(0), lan.node(1)];
    lan.plan(VIPS.map(ip => planned(ip, [old, next], { drain: DRAIN, hold: DRAIN })));
    const left = old.thread?.leave(2_000);
    await until('the second node to own both', () => VIPS.every(ip => next.owns(ip)));
    old.thread?.command({
      kind: 'flows',
      counts: [
        { ip: VIP6, flows: 0 },
        { ip: VIP4, flows: 1 },
      ],
    });
    await until('the announcement of the one', () => next.about('announced', VIP6).length > 0);
    expect(next.about('announced', VIP4)).toEqual([]);
    await left;
    await until('the announcement of the other', () => next.about('announced', VIP4).length > 0);
    expect(await answering()).toEqual(both(next));
  });

  it('is over where the interface goes, and one that comes back while the speaker leaves takes nothing', async () => {
    const [old, next] = [lan.node(0), lan.node(1)];
    lan.plan(VIPS.map(ip => planned(ip, [old, next], { drain: DRAIN, hold: DRAIN })));
    const left = old.thread?.leave(5_000);
    await until('the second node to own both', () => VIPS.every(ip => next.owns(ip)));
    await Promise.all([next.stop(), lan.node(2).stop()]);
    // Another first subnet is another segment.
    old.host.run('ip', 'addr', 'del', '10.66.0.1/24', 'dev', 'eth0');
    await until('the end of the move', () => VIPS.every(ip => old.about('lame-duck-over', ip).length > 0));
    expect(old.about('lame-duck-over', VIP4)).toMatchObject([{ why: 'interface-gone' }]);
    old.host.run('ip', 'addr', 'add', '10.66.0.1/24', 'dev', 'eth0');
    await left;
    // Longer than a speaker that does not leave would listen before it takes them.
    await new Promise(resolve => setTimeout(resolve, 1_500));
    expect(VIPS.map(ip => old.about('acquired', ip).length)).toEqual([1, 1]);
  });
});

const both = (node: LanNode): string[] => [node.host.mac, node.host.mac];

/** Hears both others, and has listened for long enough. */
function isAble(node: LanNode): boolean {
  const report = node.events.findLast(event => event.kind === 'report');
  return report?.segments.some(({ peersHeard, listening }) => peersHeard.length === 2 && !listening) === true;
}
