import { describe, expect, it } from 'vitest';
import { gatewaysLearn, peersHeard } from './segment-conditions.ts';
import { speakerView } from './speaker-view.ts';
import { segmentReport } from './wire/testing.ts';

const gateway = { gateway: '192.0.2.254', address: '192.0.2.40', addresses: 1 };
const view = speakerView({ segments: [segmentReport(), segmentReport({ interface: 'eth1', segment: '198.51.100.0/24' })] });

describe('PeersHeard', () => {
  it.each<[string, Record<string, string[]>, string, RegExp]>([
    ['nobody is missing', {}, 'True AllPeersHeard', /^every node/],
    [
      'two on one interface',
      { eth0: ['b', 'c'] },
      'False PeersUnheard',
      /^not heard: b, c on eth0 \(192\.0\.2\.0\/24\): segment mismatch, multicast filtered or UDP 7947 blocked/,
    ],
    ['on both', { eth0: ['b'], eth1: ['c'] }, 'False PeersUnheard', /b on eth0 .*; c on eth1 \(198\.51\.100\.0\/24\): /],
    ['more than are named', { eth0: Array.from({ length: 64 }, (_, i) => `n${i}`) }, 'False PeersUnheard', /n19, and 44 more on eth0/],
  ])('%s', (_, missing, said, message) => {
    const { status, reason, message: text } = peersHeard({ ...view, missingPeers: new Map(Object.entries(missing)) });
    expect(`${status} ${reason}`).toBe(said);
    expect(text).toMatch(message);
  });
});

describe('GatewaysLearn', () => {
  it.each([
    ['all confirm', [], 'True GatewaysLearn', 'no gateway ignores an address that is announced'],
    ['one address', [gateway], 'False GatewayDoesNotLearn', 'the gateway 192.0.2.254 on eth0 answers this node, but not to 192.0.2.40'],
    [
      'several addresses',
      [{ ...gateway, addresses: 7 }],
      'False GatewayDoesNotLearn',
      'the gateway 192.0.2.254 on eth0 answers this node, but not to 192.0.2.40 and 6 more',
    ],
  ])('%s', (_, gatewaysUnconfirmed, said, text) => {
    const { status, reason, message } = gatewaysLearn({ ...view, segments: [segmentReport({ gatewaysUnconfirmed })] });
    expect([`${status} ${reason}`, message]).toEqual([said, text]);
  });
});
