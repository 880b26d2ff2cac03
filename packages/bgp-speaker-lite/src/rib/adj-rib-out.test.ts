import { describe, expect, it } from 'vitest';
import { AttributeType } from '../codec/attribute/codec.ts';
import { findAttribute } from '../codec/attribute/index.ts';
import { Framer } from '../codec/framer.ts';
import { decodeMessage, INITIAL_CONTEXT, type ReceivedMessage } from '../codec/message.ts';
import { formatPrefix } from '../codec/prefix.ts';
import { AdjRibOut } from './adj-rib-out.ts';
import type { ExportContext } from './export.ts';
import { type Route, RouteParser } from './route.ts';
import { RouteTable } from './route-table.ts';

const CONTEXT: ExportContext = {
  internal: false,
  localAs: 65002,
  fourOctetAs: true,
  extendedNextHop: false,
  families: ['ipv4-unicast', 'ipv6-unicast'],
  nextHop4: Uint8Array.of(10, 0, 0, 1),
  nextHop6: Uint8Array.of(0xfd, ...Array.from({ length: 14 }, () => 0), 1),
  gracefulShutdown: false,
};

/** A peer's side: what it has been told, as a table. */
class Receiver {
  readonly parser = new RouteParser();
  readonly table: RouteTable;
  readonly rib: AdjRibOut;
  readonly known = new Map<string, ReceivedMessage>();
  messages: ReceivedMessage[] = [];

  constructor(context = CONTEXT, maxLength = 4096) {
    this.table = new RouteTable((prefix, audience) => {
      if (!audience || audience.includes('me')) this.rib.mark(prefix);
    });
    this.rib = new AdjRibOut(context, maxLength, text => this.table.lookup(text, 'me'));
    this.maxLength = maxLength;
  }

  readonly maxLength: number;

  announce(route: Route, peers?: string[]): void {
    this.table.set(this.parser.parse(route), peers);
  }

  /** Sends what is pending and takes note of it. */
  flush(): void {
    this.messages = [];
    const framer = new Framer();
    if (this.maxLength > 4096) framer.allowExtended();
    for (let burst = this.rib.next(); burst; burst = this.rib.next())
      framer.push(burst.bytes, frame => {
        expect(frame.length).toBeLessThanOrEqual(this.maxLength);
        this.#take(decodeMessage(frame, { ...INITIAL_CONTEXT, extendedMessages: this.maxLength > 4096 }));
        return true;
      });
    expect(framer.pending).toBe(0);
  }

  #take(message: ReceivedMessage): void {
    this.messages.push(message);
    if (message.kind !== 'update') return;
    const { update } = message;
    expect(update.problems).toEqual([]);
    const reach = findAttribute(update.attributes, AttributeType.MP_REACH_NLRI);
    const unreach = findAttribute(update.attributes, AttributeType.MP_UNREACH_NLRI);
    for (const prefix of update.withdrawn) this.known.delete(formatPrefix(32, prefix));
    for (const prefix of unreach?.withdrawn ?? []) this.known.delete(formatPrefix(unreach?.afi === 2 ? 128 : 32, prefix));
    for (const prefix of update.nlri) this.known.set(formatPrefix(32, prefix), message);
    for (const prefix of reach?.nlri ?? []) this.known.set(formatPrefix(reach?.afi === 2 ? 128 : 32, prefix), message);
  }
}

describe('what a peer is told', () => {
  it('packs prefixes that share attributes into as few messages as fit', () => {
    const peer = new Receiver();
    for (let i = 0; i < 10_000; i++) peer.announce({ prefix: `10.1.${i >>> 8}.${i & 255}/32` });
    peer.flush();
    // (4096 - 23 - 20 octets of attributes) / 5 octets: 810 prefixes to a message.
    expect(peer.messages).toHaveLength(Math.ceil(10_000 / 810));
    expect(peer.known.size).toBe(10_000);
    for (let i = 0; i < 10_000; i++) peer.table.delete(`10.1.${i >>> 8}.${i & 255}/32`, undefined);
    peer.flush();
    expect(peer.messages).toHaveLength(Math.ceil(10_000 / 814));
    expect(peer.known.size).toBe(0);
  });

  it('packs IPv6 likewise, and more where long messages are agreed', () => {
    for (const [maxLength, messages] of [
      [4096, 5],
      [65_535, 1],
    ] as const) {
      const peer = new Receiver(CONTEXT, maxLength);
      for (let i = 0; i < 1000; i++) peer.announce({ prefix: `2001:db8::${i.toString(16)}/128` });
      peer.flush();
      expect(peer.messages).toHaveLength(messages);
      expect(peer.known.size).toBe(1000);
    }
  });

  it('sends only differences', () => {
    const peer = new Receiver();
    peer.announce({ prefix: '192.0.2.1/32', med: 1 });
    peer.announce({ prefix: '192.0.2.2/32', med: 1 });
    peer.flush();
    expect(peer.messages).toHaveLength(1);
    peer.announce({ prefix: '192.0.2.1/32', med: 1 });
    peer.flush();
    expect(peer.messages).toHaveLength(0);
    peer.announce({ prefix: '192.0.2.1/32', med: 2 });
    peer.announce({ prefix: '192.0.2.2/32', med: 2 });
    peer.announce({ prefix: '192.0.2.2/32', med: 1 });
    peer.flush();
    expect(peer.messages).toHaveLength(1);
    expect(peer.messages[0]?.kind === 'update' && peer.messages[0].update.nlri).toHaveLength(1);
  });

  it('says nothing of a route that came and went unseen', () => {
    const peer = new Receiver();
    peer.announce({ prefix: '192.0.2.1/32' });
    peer.table.delete('192.0.2.1/32', undefined);
    peer.flush();
    expect(peer.messages).toHaveLength(0);
  });

  it('prefers a route for this peer to the common one, and falls back to it', () => {
    const peer = new Receiver();
    const med = () => {
      const message = peer.known.get('192.0.2.1/32');
      return message?.kind === 'update' ? findAttribute(message.update.attributes, AttributeType.MULTI_EXIT_DISC)?.value : undefined;
    };
    peer.announce({ prefix: '192.0.2.1/32', med: 1 });
    peer.announce({ prefix: '192.0.2.1/32', med: 2 }, ['me']);
    peer.announce({ prefix: '192.0.2.1/32', med: 3 }, ['somebody else']);
    peer.flush();
    expect(med()).toBe(2);
    peer.table.delete('192.0.2.1/32', ['me']);
    peer.flush();
    expect(med()).toBe(1);
  });

  it('replaces a whole set and touches what differs', () => {
    const peer = new Receiver();
    const set = (...routes: Route[]) => peer.table.replace(routes.map(route => ({ route: peer.parser.parse(route), audience: undefined })));
    set({ prefix: '192.0.2.1/32' }, { prefix: '192.0.2.2/32' }, { prefix: '2001:db8::/32' });
    peer.flush();
    expect([...peer.known.keys()].sort((a, b) => a.localeCompare(b))).toEqual(['192.0.2.1/32', '192.0.2.2/32', '2001:db8::/32']);
    set({ prefix: '192.0.2.2/32' }, { prefix: '192.0.2.3/32' });
    peer.flush();
    expect([...peer.known.keys()].sort((a, b) => a.localeCompare(b))).toEqual(['192.0.2.2/32', '192.0.2.3/32']);
    expect(peer.messages).toHaveLength(3);
  });

  it('closes the first table with the End-of-RIB of each family, also when it is empty', () => {
    const peer = new Receiver();
    peer.rib.begin([]);
    peer.flush();
    expect(peer.messages).toHaveLength(2);
    expect(peer.rib.pending).toBe(false);
  });

  it('answers a refresh with the family as it is now, between brackets', () => {
    const peer = new Receiver();
    peer.announce({ prefix: '192.0.2.1/32' });
    peer.announce({ prefix: '2001:db8::/32' });
    peer.flush();
    peer.rib.refresh('ipv4-unicast', true);
    peer.rib.refresh('ipv4-unicast', true);
    peer.flush();
    expect(peer.messages.map(({ kind }) => kind)).toEqual(['route-refresh', 'update', 'route-refresh']);
  });

  it('announces nothing without a next hop, and all of it once there is one', () => {
    const peer = new Receiver({ ...CONTEXT, nextHop6: undefined });
    peer.announce({ prefix: '2001:db8::/32' });
    peer.flush();
    expect(peer.messages).toHaveLength(0);
    peer.rib.update(CONTEXT, peer.table.prefixesFor('me'));
    peer.flush();
    expect([...peer.known.keys()]).toEqual(['2001:db8::/32']);
  });

  it('withdraws IPv4 routes with IPv6 next hops where they were announced', () => {
    const peer = new Receiver({ ...CONTEXT, nextHop4: undefined, extendedNextHop: true });
    peer.announce({ prefix: '192.0.2.1/32' });
    peer.flush();
    expect(peer.known.size).toBe(1);
    peer.table.delete('192.0.2.1/32', undefined);
    peer.flush();
    expect(peer.known.size).toBe(0);
  });

  it('hides four-octet AS numbers from a peer that does not know them', () => {
    const peer = new Receiver({ ...CONTEXT, localAs: 4_200_000_001, fourOctetAs: false });
    peer.announce({ prefix: '192.0.2.1/32' });
    const burst = peer.rib.next();
    const message = decodeMessage(burst?.bytes as Uint8Array, { ...INITIAL_CONTEXT, fourOctetAs: false });
    if (message.kind !== 'update') throw new Error('no UPDATE');
    expect(findAttribute(message.update.attributes, AttributeType.AS_PATH)?.segments).toEqual([{ type: 2, asns: [23456] }]);
    expect(findAttribute(message.update.attributes, AttributeType.AS4_PATH)?.segments).toEqual([{ type: 2, asns: [4_200_000_001] }]);
  });
});

describe('routes that cannot be', () => {
  it.each([
    { route: { prefix: '192.0.2.1/32', nextHop: '127.0.0.1' }, code: 'BGP_BAD_ROUTE' },
    { route: { prefix: '2001:db8::/32', nextHop: '192.0.2.1' }, code: 'BGP_BAD_ROUTE' },
    { route: { prefix: '192.0.2.1/32', nextHop: 'router' }, code: 'BGP_BAD_ADDRESS' },
    { route: { prefix: '192.0.2.1/32', med: -1 }, code: 'BGP_BAD_ROUTE' },
    { route: { prefix: '192.0.2.1/32', communities: ['65536:1'] }, code: 'BGP_BAD_ROUTE' },
    { route: { prefix: '192.0.2.1/32', communities: ['constructor'] }, code: 'BGP_BAD_ROUTE' },
    { route: { prefix: '192.0.2.1/32', largeCommunities: ['1:2'] }, code: 'BGP_BAD_ROUTE' },
    { route: { prefix: '192.0.2.1/32', extendedCommunities: ['rt:1'] }, code: 'BGP_BAD_ROUTE' },
    { route: { prefix: '192.0.2.1/32', linkBandwidth: Number.NaN }, code: 'BGP_BAD_ROUTE' },
    {
      route: {
        prefix: '192.0.2.1/32',
        largeCommunities: Array.from({ length: 255 }, (_, i) => `1:2:${i}`),
        communities: Array.from({ length: 255 }, (_, i) => `1:${i}`),
      },
      code: 'BGP_BAD_ROUTE',
    },
  ])('refuses $route', ({ route, code }) => {
    expect(() => new RouteParser().parse(route)).toThrow(expect.objectContaining({ code }));
  });
});
