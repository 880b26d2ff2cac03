import { EventEmitter } from 'node:events';
import { type Announcement, type Config, emptyConfig, type PeerConfig } from '@herald/crds';
import { bgpAdvertisement, bgpPeer as peer } from '@herald/crds/testing';
import { parseAddress } from '@herald/ip';
import { BgpError, type ForPeers, type PeerOptions, type Route, type Speaker } from 'bgp-speaker-lite';
import { describe, expect, it } from 'vitest';
import { type BGPState, NodeBGP, routerIdOf } from './bgp.ts';

/** Notes what it is asked to do; refuses peers on port 9. */
class FakeSpeaker extends EventEmitter {
  readonly calls: string[] = [];
  readonly configured = new Map<string, PeerOptions>();
  #marked = false;

  get peers(): string[] {
    return [...this.configured.keys()];
  }
  addPeer(options: PeerOptions): void {
    if (options.port === 9) throw new BgpError('BGP_BAD_OPTION', 'port 9 is refused');
    this.configured.set(options.name as string, options);
    this.calls.push(`add ${options.name}`);
  }
  updatePeer(options: PeerOptions): void {
    this.configured.set(options.name as string, options);
    this.calls.push(`update ${options.name}`);
  }
  removePeer(name: string): void {
    this.configured.delete(name);
    this.calls.push(`remove ${name}`);
  }
  announce(route: Route, { peers = [] }: ForPeers): void {
    if (route.nextHop === '192.0.2.66') throw new BgpError('BGP_BAD_ROUTE', 'the next hop is refused');
    this.calls.push(`announce ${route.prefix}>${peers.join()}`);
  }
  withdraw(prefix: string, { peers = [] }: ForPeers): boolean {
    this.calls.push(`withdraw ${prefix}>${peers.join()}`);
    return true;
  }
  setGracefulShutdown(on: boolean): void {
    if (on !== this.#marked || on) this.calls.push(on ? 'shutdown' : 'no shutdown');
    this.#marked = on;
  }
  status(): never[] {
    return [];
  }
  async stop({ mode }: { mode: string }): Promise<void> {
    this.calls.push(`stop ${mode}`);
  }
}

const config = (peers: readonly PeerConfig[]): Config => ({
  ...emptyConfig,
  peers,
  bgpAdvertisements: [bgpAdvertisement('default', { pools: new Set(['bgp']) })],
});
const web: Announcement = {
  apiVersion: 'heraldlb.io/v1beta1',
  kind: 'Announcement',
  metadata: { name: 'web', namespace: 'default' },
  spec: { addresses: [{ ip: '192.168.10.1', pool: 'bgp', bgp: { advertisements: ['default'] } }] },
};
const state = (peers: readonly PeerConfig[], more: Partial<BGPState> = {}): BGPState => ({
  config: config(peers),
  announcements: [web],
  labels: {},
  addresses: ['fd00::1', '192.168.150.41'],
  passwords: name => ({ missing: `no Secret ${name}` }),
  draining: false,
  excluded: false,
  ...more,
});

function node(): { bgp: NodeBGP; speaker: FakeSpeaker; made: unknown[] } {
  const speaker = new FakeSpeaker();
  const made: unknown[] = [];
  const bgp = new NodeBGP({
    node: 'dn1',
    log: () => undefined,
    createSpeaker: options => {
      made.push(options);
      return speaker as unknown as Speaker;
    },
  });
  return { bgp, speaker, made };
}

/** A second advertisement, whose routes have a next hop of their own. */
function withNextHop(ip: string | null): Config {
  const usual = config([peer('a')]);
  const [ad] = usual.bgpAdvertisements as [Config['bgpAdvertisements'][number]];
  const ipv4 = ip === null ? null : parseAddress(ip);
  return { ...usual, bgpAdvertisements: [ad, { ...ad, name: 'other', nextHop: { ipv4, ipv6: null } }] };
}

describe('NodeBGP', () => {
  it('starts with the first peer, as the IPv4 address of the node', async () => {
    const { bgp, speaker, made } = node();
    await bgp.update(state([]));
    expect(made).toEqual([]);
    await bgp.update(state([peer('a')]));
    expect(made).toEqual([{ asn: 64500, routerId: '192.168.150.41', hostname: 'dn1' }]);
    expect(speaker.calls).toEqual(['announce 192.168.10.1/32>a', 'add a']);
  });

  it('touches only the peer that changed', async () => {
    const { bgp, speaker } = node();
    await bgp.update(state([peer('a'), peer('b')]));
    speaker.calls.length = 0;
    await bgp.update(state([peer('a'), peer('b', { holdTime: 9_000 })]));
    expect(speaker.calls).toEqual(['update b']);
    speaker.calls.length = 0;
    await bgp.update(state([peer('b', { holdTime: 9_000 })]));
    expect(speaker.calls).toEqual(['withdraw 192.168.10.1/32>a', 'remove a']);
  });

  it('lets a peer wait alone, and says for what', async () => {
    const { bgp, speaker } = node();
    const waiting = peer('secret', { authentication: { type: 'md5-secret', secretName: 'tor' } });
    await bgp.update(
      state([
        peer('a'),
        waiting,
        peer('refused', { port: 9 }),
        peer('tcp-ao', { authentication: { type: 'tcp-ao', secretName: 's', algorithm: 'HMAC-SHA-1-96', sendID: 1, receiveID: 1 } }),
      ]),
    );
    expect(speaker.peers).toEqual(['a']);
    expect(bgp.sessions().map(session => [session.peer, session.problems.join()])).toEqual([
      ['refused', 'port 9 is refused'],
      ['secret', 'no Secret tor'],
      ['tcp-ao', 'no Secret s'],
    ]);
    const signed = peer('tcp-ao', {
      authentication: { type: 'tcp-ao', secretName: 's', algorithm: 'AES-128-CMAC-96', sendID: 1, receiveID: 2 },
    });
    await bgp.update(state([peer('a'), waiting, signed], { passwords: name => ({ password: `${name} key` }) }));
    expect(speaker.configured.get('secret')).toMatchObject({ password: 'tor key' });
    expect(speaker.configured.get('tcp-ao')).toMatchObject({
      tcpAo: { algorithm: 'AES-128-CMAC-96', key: 's key', sendId: 1, receiveId: 2 },
    });
    expect(speaker.configured.get('tcp-ao')).not.toHaveProperty('password');
  });

  it('keeps the routes of a node that is being left, marked, and withdraws them afterwards', async () => {
    const { bgp, speaker } = node();
    await bgp.update(state([peer('a')]));
    speaker.calls.length = 0;
    const [address] = web.spec?.addresses ?? [];
    const elsewhere = {
      ...web,
      spec: { addresses: [{ ...address, bgp: { advertisements: ['default'], nodes: ['dn2'] } }] },
    } as Announcement;
    await bgp.update(state([peer('a')], { draining: true, announcements: [elsewhere] }));
    expect(speaker.calls).toEqual(['shutdown']);
    await bgp.update(state([peer('a')], { draining: true, excluded: true, announcements: [elsewhere] }));
    expect(speaker.calls.slice(1)).toEqual(['withdraw 192.168.10.1/32>a', 'shutdown']);
    await bgp.update(state([peer('a')]));
    expect(speaker.calls.slice(3)).toEqual(['announce 192.168.10.1/32>a', 'no shutdown']);
    await bgp.stop('cease');
    expect(speaker.calls.at(-1)).toBe('stop cease');
  });

  it('leaves out a route that the speaker does not take, says so, and goes on with the others', async () => {
    const { bgp, speaker } = node();
    Object.assign(speaker, { status: () => [{ name: 'a', problems: [], families: [], announced: {} }] });
    const other = {
      ...web,
      metadata: { name: 'api', namespace: 'default' },
      spec: { addresses: [{ ip: '192.168.10.2', pool: 'bgp', bgp: { advertisements: ['other'] } }] },
    };
    await bgp.update(state([], { config: withNextHop('192.0.2.66'), announcements: [web, other] }));
    expect(speaker.calls).toEqual(['announce 192.168.10.1/32>a', 'add a']);
    expect(bgp.sessions()[0]?.problems).toEqual(['192.168.10.2/32 is not announced: the next hop is refused']);
    await bgp.update(state([], { config: withNextHop(null), announcements: [web, other] }));
    expect(speaker.calls.slice(2)).toEqual(['announce 192.168.10.2/32>a']);
    expect(bgp.sessions()[0]?.problems).toEqual([]);
  });

  it('says what a passive peer needs', async () => {
    const { bgp, speaker } = node();
    Object.assign(speaker, { status: () => [{ name: 'a', problems: [], families: [], announced: {} }] });
    await bgp.update(state([peer('a', { passive: true })]));
    expect(bgp.sessions()[0]?.problems.join()).toContain('--bgp-listen-port');
    await bgp.update(state([peer('a')]));
    expect(bgp.sessions()[0]?.problems).toEqual([]);
  });

  it('offers no multiprotocol extensions to a router that is too old for them', async () => {
    const { bgp, speaker } = node();
    await bgp.update(state([peer('a'), peer('old', { multiprotocol: false })]));
    expect(['a', 'old'].map(name => speaker.configured.get(name)?.multiprotocol)).toEqual([undefined, false]);
  });

  it('derives an identifier for a node without an IPv4 address, the same after a restart', () => {
    expect(routerIdOf('dn1')).toBe(routerIdOf('dn1'));
    expect(routerIdOf('dn1')).not.toBe(routerIdOf('dn2'));
    for (let i = 0; i < 200; i++)
      expect(Number(routerIdOf(`n${i}`).split('.')[0])).toSatisfy((first: number) => first >= 1 && first <= 223);
  });
});
