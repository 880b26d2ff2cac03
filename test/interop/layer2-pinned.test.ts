import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanupNode } from '@herald/speaker';
import { ARP_REPLY, NEIGHBOUR_ADVERTISEMENT, type WireOptions } from '@herald/speaker/testing';
import { openKernelResponder } from 'raw-socket';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FrameClient } from './layer2-client.ts';
import { type LanNode, planned, SpeakerLan, until } from './layer2-lan.ts';

const VIP4 = '10.66.0.240';
const VIP6 = 'fd66::240';
const VIPS = [VIP4, VIP6];
const SEGMENT = '10.66.0.0/24';
const EPOCH = 7;
/** A thread compiles all its code before its first word, on a busy machine for many seconds (ms). */
const STARTUP = 60_000;
/** For answers that have to come, and for those that must not (ms). */
const PATIENCE = 2_000;
const SHORT_PATIENCE = 500;

function unavailable(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const opened = openKernelResponder();
  if (!opened.available) return opened.because;
  opened.responder.close();
  return undefined;
}

function runs(node: LanNode): boolean {
  return node.events.some(event => event.kind === 'report');
}

function hears(node: LanNode, peer: string): boolean {
  const report = node.events.findLast(event => event.kind === 'report');
  return report?.segments.some(({ peersHeard }) => peersHeard.includes(peer)) === true;
}

const skip = unavailable();

describe.skipIf(skip !== undefined)(`what the kernel answers is pinned${skip ? ` (${skip})` : ''}`, () => {
  let lan: SpeakerLan;
  let client: FrameClient;
  let mount: string;
  let pinDirectory: string;

  beforeEach(() => {
    mount = mkdtempSync(join(tmpdir(), 'herald-pins-'));
    execFileSync('mount', ['-t', 'bpf', 'bpf', mount]);
    pinDirectory = join(mount, 'herald');
    lan = new SpeakerLan(2);
    client = new FrameClient(lan.client);
  });

  afterEach(async () => {
    client?.close();
    await lan?.close();
    cleanupNode(pinDirectory);
    execFileSync('umount', [mount]);
    rmSync(mount, { recursive: true });
  });

  const addresses = (hold: number, epoch?: number) =>
    VIPS.map(ip => planned(ip, lan.nodes, { hold, restored: epoch === undefined ? [] : [{ segment: SEGMENT, epoch }] }));

  async function start(hold: number): Promise<LanNode> {
    // What it had before makes it the owner, whoever starts first.
    for (const [index, node] of lan.nodes.entries()) start1(node, { addresses: addresses(hold, index === 0 ? EPOCH : undefined) });
    for (const node of lan.nodes) await until(`${node.name} to run`, () => runs(node), STARTUP);
    await until('the first to own both', () => VIPS.every(ip => lan.owner(ip) === lan.node(0)));
    // A node holds only for those whom it has met: on a busy machine one thread may start long after the other.
    await until('the second to hear the first', () => hears(lan.node(1), lan.node(0).name));
    return lan.node(0);
  }

  function start1(node: LanNode, options: Partial<WireOptions> = {}): void {
    node.start({ responder: 'auto', pinDirectory, caretaker: false, ...options });
  }

  /** MACs that answer one broadcast question now: by ARP, then by NDP. */
  async function answering(patience = PATIENCE): Promise<string[]> {
    client.clear();
    for (const ip of VIPS) client.ask(ip);
    // A busy machine may take its time to read the answers; what is not answered at once is never answered.
    const end = performance.now() + patience;
    while (answers().length < 2 && performance.now() < end) await new Promise(resolve => setTimeout(resolve, 10));
    await new Promise(resolve => setTimeout(resolve, 30));
    return answers();
  }

  function answers(): string[] {
    const arp = client.arp.filter(packet => packet.operation === ARP_REPLY && packet.senderIp === VIP4);
    const ndp = client.ndp.flatMap(packet =>
      packet.type === NEIGHBOUR_ADVERTISEMENT && packet.target === VIP6 && packet.solicited ? [packet.linkLayer ?? ''] : [],
    );
    return [...arp.map(packet => packet.senderMac), ...ndp];
  }

  it('goes on for a killed speaker, is taken over by the next, and no question stays unanswered', async () => {
    const node = await start(30_000);
    const both = [node.host.mac, node.host.mac];
    await until('the answers', async () => (await answering()).join() === both.join());
    await node.stop();
    const unanswered: string[][] = [];
    for (let times = 0; times < 20; times++) {
      const found = await answering();
      if (found.join() !== both.join()) unanswered.push(found);
    }
    start1(node, { addresses: addresses(30_000, EPOCH) });
    // Beyond the moment when it removes what it has not taken up.
    for (let times = 0; times < 30; ) {
      const found = await answering();
      if (found.join() !== both.join()) unanswered.push(found);
      if (unanswered.length > 0 || VIPS.every(ip => node.owns(ip))) times++;
    }
    expect(unanswered).toEqual([]);
    expect(node.about('acquired', VIP6)).toMatchObject([{ cause: 'restored', epoch: EPOCH }]);
    expect(lan.node(1).about('acquired', VIP4)).toEqual([]);
    const report = await until('a report', () => node.events.findLast(event => event.kind === 'report'));
    expect(report.segments).toMatchObject([{ responder: 'kernel', pinned: true }]);
  });

  it('ends with the hold, when the next in line takes over', async () => {
    const node = await start(1_500);
    await node.stop();
    await until('the other node to take over', () => VIPS.every(ip => lan.node(1).owns(ip)));
    await until('one answer', async () => (await answering()).join() === [lan.node(1).host.mac, lan.node(1).host.mac].join());
  });

  it('a node that is powered off in the middle of it is taken over at once', async () => {
    const node = await start(30_000);
    await node.stop();
    await new Promise(resolve => setTimeout(resolve, 1_500));
    expect(await answering()).toEqual([node.host.mac, node.host.mac]);
    lan.cable(0, false);
    await until('the other node to take over', () => VIPS.every(ip => lan.node(1).owns(ip)), 5_000);
    expect(await answering()).toEqual([lan.node(1).host.mac, lan.node(1).host.mac]);
  });

  it('without a hold it is over in moments, and what is not taken up goes', async () => {
    const node = await start(0);
    await node.stop();
    await until('the other node to take over', () => VIPS.every(ip => lan.node(1).owns(ip)));
    await until('one answer', async () => (await answering()).join() === [lan.node(1).host.mac, lan.node(1).host.mac].join());
    start1(node, { addresses: [] });
    // Not even in the moments before the next process knows what is still its own.
    const wrong: string[][] = [];
    for (let times = 0; times < 20; ) {
      const found = await answering();
      if (found.join() !== [lan.node(1).host.mac, lan.node(1).host.mac].join()) wrong.push(found);
      if (runs(node)) times++;
    }
    expect(wrong).toEqual([]);
  });

  it('a process that finds another in its place keeps silent', async () => {
    const node = await start(30_000);
    const older = node.thread;
    const before = node.events;
    // A second process of the same node, while the first still runs.
    const second = lan.twin(0);
    start1(second, { addresses: addresses(30_000, EPOCH) });
    await until('the first to notice', () => before.some(event => event.kind === 'superseded'), STARTUP);
    await until('the second to go on', () => VIPS.every(ip => second.owns(ip)));
    expect(await answering()).toEqual([node.host.mac, node.host.mac]);
    await older?.stop();
    expect(await answering()).toEqual([node.host.mac, node.host.mac]);
    await second.stop();
  });

  it('a speaker that is to answer by packet socket from now on ends what the kernel answers', async () => {
    const node = await start(30_000);
    await node.stop();
    start1(node, { addresses: addresses(30_000, EPOCH), responder: 'packet' });
    await until(
      'what was pinned to go',
      () => node.events.some(event => event.kind === 'note' && event.message.startsWith('removed')),
      STARTUP,
    );
    await lan.node(1).thread?.leave(100);
    await lan.node(1).stop();
    expect(readdirSync(pinDirectory, { recursive: true })).toEqual([]);
    expect(await answering()).toEqual([node.host.mac, node.host.mac]);
  });

  it('a speaker that leaves for good leaves nothing behind', async () => {
    const node = await start(30_000);
    await node.thread?.leave(3_000);
    await node.stop();
    await lan.node(1).thread?.leave(100);
    await lan.node(1).stop();
    expect(readdirSync(pinDirectory, { recursive: true })).toEqual([]);
    expect(await answering(SHORT_PATIENCE)).toEqual([]);
  });

  it('cleanup removes and silences what is pinned', async () => {
    const node = await start(30_000);
    await node.stop();
    await lan.node(1).stop();
    expect(await answering()).toEqual([node.host.mac, node.host.mac]);
    expect(cleanupNode(pinDirectory)).toHaveLength(2);
    expect(await answering(SHORT_PATIENCE)).toEqual([]);
    expect(cleanupNode(pinDirectory)).toEqual([]);
  });
});
