import { afterEach, describe, expect, it } from 'vitest';
import { type LanNode, planned, SpeakerLan, until } from './layer2-lan.ts';

const VIP4 = '10.66.0.240';
const VIP6 = 'fd66::240';
/** Longer than any test waits: what is only waited for does not happen in time. */
const HOLD = 60_000;

const skip = process.getuid?.() === 0 ? undefined : 'network namespaces need root';

/** By its only interface, whatever it is called. */
function heard(node: LanNode): number {
  return ['eth0', 'lan0'].reduce((sum, device) => sum + node.hears(device).length, 0);
}

describe.skipIf(skip !== undefined)('an interface that changes under its addresses', () => {
  let lan: SpeakerLan;

  afterEach(async () => lan?.close());

  /** The first node owns all of them, and is to be held for when it falls silent. */
  async function begin(families: readonly (4 | 6)[], ips: readonly string[]): Promise<LanNode> {
    lan = new SpeakerLan(3, { families });
    for (const node of lan.nodes) node.start();
    await allHear();
    lan.plan(ips.map(ip => planned(ip, lan.nodes, { hold: HOLD })));
    await until('the first to own all', () => ips.every(ip => lan.owner(ip) === lan.node(0)));
    return lan.node(0);
  }

  /** And nobody took the new session of another for a repetition of the old one. */
  async function allHear(): Promise<void> {
    await until('all nodes to hear each other', () => lan.nodes.every(node => heard(node) === 2));
    const reports = lan.nodes.map(node => node.events.findLast(event => event.kind === 'report'));
    expect(reports.map(report => report?.segments.map(({ replays }) => replays))).toEqual([[0], [0], [0]]);
  }

  /** What was known of peers before does not count. */
  function forget(): void {
    for (const node of lan.nodes) node.events.splice(0, node.events.length, ...node.events.filter(({ kind }) => kind !== 'report'));
  }

  it('has another name: its addresses move at once, and the others hear it at once', async () => {
    const { host } = await begin([4, 6], [VIP4, VIP6]);
    // Kernels before 6.2 rename no interface that is up.
    if (host.try('ip', 'link', 'set', 'eth0', 'name', 'lan0').status !== 0)
      host.run('sh', '-c', 'ip link set eth0 down && ip link set eth0 name lan0 && ip link set lan0 up');
    await until('the second to own both', () => [VIP4, VIP6].every(ip => lan.owner(ip) === lan.node(1)));
    expect(lan.node(0).about('released', VIP4)).toMatchObject([{ interface: 'eth0' }]);
    forget();
    await allHear();
    expect(lan.node(1).about('acquired', VIP4)).toHaveLength(1);
  });

  it('loses its IPv4 address and gets it back: the others hear it both times', async () => {
    const { host } = await begin([4, 6], [VIP4, VIP6]);
    for (const change of ['del', 'add']) {
      host.run('ip', 'addr', change, '10.66.0.1/24', 'dev', 'eth0');
      const segment = change === 'del' ? 'fd66::/64' : '10.66.0.0/24';
      await until(`the segment ${segment}`, () =>
        lan.node(0).events.some(event => event.kind === 'report' && event.segments[0]?.segment === segment),
      );
      forget();
      await allHear();
      await until('one other owner of each', () => [VIP4, VIP6].every(ip => lan.owner(ip) === lan.node(1)));
    }
    expect(lan.node(0).about('released', VIP4)).toMatchObject([{ cause: 'interface-gone' }]);
    expect(lan.nodes.slice(1).flatMap(node => node.about('released', VIP4))).toEqual([]);
  });

  it('goes down and up, and loses its only address, as IPv6 does', async () => {
    const { host } = await begin([6], [VIP6]);
    host.run('ip', 'link', 'set', 'eth0', 'down');
    await until('the second to own it', () => lan.owner(VIP6) === lan.node(1));
    host.run('ip', 'link', 'set', 'eth0', 'up');
    host.run('ip', 'addr', 'add', 'fd66::1/64', 'dev', 'eth0', 'nodad');
    forget();
    await allHear();
    expect(lan.owner(VIP6)).toBe(lan.node(1));
  });
});
