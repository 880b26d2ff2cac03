import type { Announcement } from '@herald/crds';
import { describe, expect, it } from 'vitest';
import { merged, Owners, sameOwners } from './owners.ts';
import type { WireEvent } from './wire/messages.ts';

const acquired: WireEvent & { kind: 'acquired' } = {
  kind: 'acquired',
  ip: '192.0.2.1',
  segment: '192.0.2.0/24',
  interface: 'eth0',
  mac: '02:00:00:00:00:01',
  epoch: 3,
  cause: 'peer-lost',
};
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

describe('Owners', () => {
  it('keeps one entry per address and segment', () => {
    const owners = new Owners('node-1');
    owners.acquired(acquired, NOW);
    owners.acquired({ ...acquired, segment: '198.51.100.0/24', interface: 'eth1' }, NOW);
    owners.confirmed('192.0.2.1', '192.0.2.0/24', NOW + 1_000);
    const first = {
      ip: '192.0.2.1',
      segment: '192.0.2.0/24',
      node: 'node-1',
      interface: 'eth0',
      mac: '02:00:00:00:00:01',
      since: '2026-01-02T03:04:05Z',
      epoch: 3,
    };
    expect(owners.of(['192.0.2.1'])).toEqual([
      { ...first, confirmed: '2026-01-02T03:04:06Z' },
      { ...first, segment: '198.51.100.0/24', interface: 'eth1' },
    ]);
    expect(owners.of(['192.0.2.2'])).toEqual([]);
    expect(owners.size).toBe(1);
    owners.released('192.0.2.1', '192.0.2.0/24');
    expect(owners.all).toHaveLength(1);
    owners.released('192.0.2.1', '198.51.100.0/24');
    expect(owners.size).toBe(0);
  });

  it('names strangers until they are gone or the address is', () => {
    const owners = new Owners('node-1');
    const stranger = { ip: '192.0.2.1', interface: 'eth0', mac: '02:00:00:00:00:66' };
    owners.conflict({ kind: 'conflict', segment: 's', phase: 'probe', ...stranger }, NOW);
    expect(owners.conflicts).toEqual([{ ...stranger, phase: 'Probe', since: '2026-01-02T03:04:05Z' }]);
    // Found again by the next probe, then seen while announcing, then another one.
    owners.conflict({ kind: 'conflict', segment: 's', phase: 'probe', ...stranger }, NOW + 30_000);
    owners.conflict({ kind: 'conflict', segment: 's', phase: 'announcing', ...stranger }, NOW + 60_000);
    expect(owners.conflicts).toEqual([{ ...stranger, phase: 'Announcing', since: '2026-01-02T03:04:05Z' }]);
    const other = { ...stranger, mac: '02:00:00:00:00:67' };
    owners.conflict({ kind: 'conflict', segment: 's', phase: 'announcing', ...other }, NOW + 60_000);
    expect(owners.conflicts).toEqual([{ ...other, phase: 'Announcing', since: '2026-01-02T03:05:05Z' }]);
    owners.released('192.0.2.1', 's');
    expect(owners.conflicts).toEqual([]);
  });

  it('lists at most one conflict for an address on an interface', () => {
    const owners = new Owners('node-1');
    const event = { kind: 'conflict', ip: '192.0.2.1', interface: 'eth0', mac: '02:00:00:00:00:66', phase: 'probe' } as const;
    owners.conflict({ ...event, segment: 's' }, NOW);
    owners.conflict({ ...event, segment: 't' }, NOW);
    owners.conflict({ ...event, segment: 'u', interface: 'eth1' }, NOW);
    expect(owners.conflicts.map(conflict => conflict.interface)).toEqual(['eth0', 'eth1']);
  });
});

describe('sameOwners', () => {
  const owners = new Owners('node-1');
  owners.acquired(acquired, NOW);
  const [entry] = owners.all;
  if (entry === undefined) throw new Error('no entry');

  it.each([
    ['equal', [entry], [{ ...entry }], true],
    ['confirmed for the first time', [entry], [{ ...entry, confirmed: '2026-01-01T00:00:00Z' }], false],
    ['confirmed again', [{ ...entry, confirmed: '2026-01-01T00:00:00Z' }], [{ ...entry, confirmed: '2026-01-01T00:01:00Z' }], true],
    ['another epoch', [entry], [{ ...entry, epoch: 4 }], false],
    ['another MAC', [entry], [{ ...entry, mac: '02:00:00:00:00:02' }], false],
    ['one more', [entry], [entry, { ...entry, ip: '192.0.2.2' }], false],
    ['in another order', [entry, { ...entry, ip: '192.0.2.2' }], [{ ...entry, ip: '192.0.2.2' }, entry], true],
  ])('%s', (_, a, b, same) => {
    expect(sameOwners(a, b)).toBe(same);
  });
});

const entry = (ip: string, segment: string, node: string, draining?: { node: string; since: string; flows?: number }) =>
  ({
    ip,
    segment,
    node,
    interface: 'eth0',
    mac: '02:00:00:00:00:01',
    since: '2026-01-02T03:04:05Z',
    epoch: 1,
    ...(draining && { draining }),
  }) as const;
const announcement = (ips: string[], owners: ReturnType<typeof entry>[]): Announcement => ({
  apiVersion: 'heraldlb.io/v1beta1',
  kind: 'Announcement',
  metadata: { name: 'web', namespace: 'default' },
  spec: { addresses: ips.map(ip => ({ ip, pool: 'lan' })) },
  status: { owners },
});
const V4 = '192.0.2.1';
const V6 = '2001:db8::1';
const listed = (owners: readonly { ip: string; segment: string; node: string }[]) =>
  owners.map(({ ip, segment, node }) => `${ip} ${segment} ${node}`);

describe('merged', () => {
  it.each<[string, string[], ReturnType<typeof entry>[], ReturnType<typeof entry>[], string[]]>([
    [
      'the IPv4 address comes to this node, the IPv6 address stays: the columns of kubectl hold',
      [V4, V6],
      [entry(V4, 's4', 'a'), entry(V6, 's6', 'a')],
      [entry(V4, 's4', 'me')],
      [`${V4} s4 me`, `${V6} s6 a`],
    ],
    [
      'the order of the addresses counts, not that of the text',
      [V6, V4],
      [entry(V4, 's4', 'a')],
      [entry(V6, 's6', 'me')],
      [`${V6} s6 me`, `${V4} s4 a`],
    ],
    ['of one address the segments are in order', [V4], [entry(V4, 's2', 'a')], [entry(V4, 's1', 'me')], [`${V4} s1 me`, `${V4} s2 a`]],
    ['what was given up goes', [V4, V6], [entry(V4, 's4', 'me'), entry(V6, 's6', 'a')], [], [`${V6} s6 a`]],
    ['an address of an earlier plan comes last', [V6], [entry(V4, 's4', 'a')], [entry(V6, 's6', 'me')], [`${V6} s6 me`, `${V4} s4 a`]],
  ])('%s', (_, ips, before, own, after) => {
    expect(listed(merged(announcement(ips, before), own, 'me', new Map()))).toEqual(after);
  });

  it('keeps what the old node of a move said of its connections, and says what is left of its own', () => {
    const since = '2026-01-02T03:04:05Z';
    const before = [entry(V4, 's4', 'me', { node: 'b', since, flows: 4 }), entry(V6, 's6', 'a', { node: 'me', since, flows: 9 })];
    const own = [entry(V4, 's4', 'me', { node: 'b', since })];
    const after = merged(announcement([V4, V6], before), own, 'me', new Map([[`${V6} s6`, 2]]));
    expect(after.map(({ draining }) => draining?.flows)).toEqual([4, 2]);
  });
});
