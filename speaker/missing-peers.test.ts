import { apiVersion, type Speaker } from '@herald/crds';
import { beforeEach, describe, expect, it } from 'vitest';
import { type KnownNode, MissingPeers } from './missing-peers.ts';
import type { SegmentReport } from './wire/messages.ts';
import { segmentReport } from './wire/testing.ts';

const ETH0 = segmentReport({ addresses: ['192.0.2.40/24', 'fe80::40/64'] });
const ETH1 = segmentReport({ interface: 'eth1', segment: '198.51.100.0/24', addresses: ['198.51.100.40/24', '2001:db8::40/64'] });

function node(name: string, address: string, ready = true): KnownNode {
  return { name, ready, addresses: [address] };
}

function speaker(name: string, ...addresses: string[]): Speaker {
  const segments = addresses.map((address, index) => ({
    interface: `eth${index}`,
    segment: `segment ${index}`,
    addresses: [address],
    carrier: true,
    fit: true,
  }));
  return { apiVersion, kind: 'Speaker', metadata: { name }, status: { segments } };
}

describe('MissingPeers', () => {
  let now: number;
  let asked: string[];
  let objects: Record<string, Speaker>;
  let isAway: boolean;
  let missing: MissingPeers;

  beforeEach(() => {
    now = 0;
    asked = [];
    objects = {};
    isAway = false;
    missing = new MissingPeers({
      now: () => now,
      speaker: name => {
        asked.push(name);
        return isAway ? Promise.reject(new Error('away')) : Promise.resolve(objects[name]);
      },
    });
  });

  /** Looks every second. */
  async function play(seconds: number, segments: readonly SegmentReport[], nodes: readonly KnownNode[]): Promise<Record<string, unknown>> {
    for (let second = 0; second < seconds; second++) {
      await missing.look(segments, nodes);
      now += 1_000;
    }
    return Object.fromEntries(missing.byInterface);
  }

  it.each<[string, SegmentReport[], KnownNode[], Speaker[], Record<string, string[]>]>([
    ['one that is not heard', [ETH0], [node('b', '192.0.2.41')], [speaker('b', '192.0.2.41/24')], { eth0: ['b'] }],
    ['none that is', [{ ...ETH0, peersHeard: ['b'] }], [node('b', '192.0.2.41')], [speaker('b', '192.0.2.41/24')], {}],
    ['none whose node is not ready', [ETH0], [node('b', '192.0.2.41', false)], [speaker('b', '192.0.2.41/24')], {}],
    ['none without a Speaker', [ETH0], [node('b', '192.0.2.41')], [], {}],
    ['none of another subnet', [ETH0], [node('b', '203.0.113.41')], [speaker('b', '203.0.113.41/24')], {}],
    ['none whose speaker is elsewhere', [ETH0], [node('b', '192.0.2.41')], [speaker('b', '203.0.113.41/24')], {}],
    ['none by a link-local address', [ETH0], [node('b', 'fe80::41')], [speaker('b', 'fe80::41/64')], {}],
    ['none by an address that cannot be read', [ETH0], [node('b', 'b.example.com')], [speaker('b', 'nonsense')], {}],
    [
      'one whose segment has another name: they share a subnet',
      [ETH1],
      [node('b', '2001:db8::41')],
      [speaker('b', '2001:db8::41/64')],
      { eth1: ['b'] },
    ],
    [
      'one that is heard on another segment',
      [{ ...ETH0, peersHeard: ['b'] }, ETH1],
      [node('b', '192.0.2.41')],
      [speaker('b', '192.0.2.41/24', '198.51.100.41/24')],
      { eth1: ['b'] },
    ],
    ['none while this node only listens', [{ ...ETH0, listening: true }], [node('b', '192.0.2.41')], [speaker('b', '192.0.2.41/24')], {}],
    ['none without a link', [{ ...ETH0, carrier: false }], [node('b', '192.0.2.41')], [speaker('b', '192.0.2.41/24')], {}],
  ])('finds %s', async (_, segments, nodes, speakers, expected) => {
    for (const object of speakers) objects[object.metadata.name] = object;
    expect(await play(12, segments, nodes)).toEqual(expected);
  });

  it('asks once a minute, and only for who has been unheard for ten seconds', async () => {
    const nodes = [node('b', '192.0.2.41')];
    objects = { b: speaker('b', '192.0.2.41/24') };
    expect(await play(10, [ETH0], nodes)).toEqual({});
    expect(asked).toEqual([]);
    expect(await play(60, [ETH0], nodes)).toEqual({ eth0: ['b'] });
    expect(asked).toEqual(['b']);
    await play(60, [ETH0], nodes);
    expect(asked).toEqual(['b', 'b']);
  });

  it('a peer that is heard again begins anew', async () => {
    const nodes = [node('b', '192.0.2.41')];
    objects = { b: speaker('b', '192.0.2.41/24') };
    expect(await play(12, [ETH0], nodes)).toEqual({ eth0: ['b'] });
    expect(await play(1, [{ ...ETH0, peersHeard: ['b'] }], nodes)).toEqual({});
    expect(await play(10, [ETH0], nodes)).toEqual({});
    expect(await play(1, [ETH0], nodes)).toEqual({ eth0: ['b'] });
  });

  it('keeps what it knew while the API server is away', async () => {
    const nodes = [node('b', '192.0.2.41')];
    objects = { b: speaker('b', '192.0.2.41/24') };
    await play(12, [ETH0], nodes);
    isAway = true;
    expect(await play(120, [ETH0], nodes)).toEqual({ eth0: ['b'] });
    expect(asked).toEqual(['b', 'b', 'b']);
  });

  it('asks for few at once and lists no more than it may', async () => {
    const nodes = Array.from({ length: 200 }, (_, index) => node(`n${index}`, `192.0.2.${index}`));
    objects = Object.fromEntries(nodes.map(({ name, addresses: [address] }) => [name, speaker(name, `${address}/24`)]));
    await play(11, [ETH0], nodes);
    expect(asked).toHaveLength(16);
    const { eth0 } = await play(12, [ETH0], nodes);
    expect(asked).toHaveLength(200);
    expect(eth0).toHaveLength(64);
  });
});
