import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GroupSockets } from './group-sockets.ts';
import { solicitedNodeGroup } from './membership.ts';
import { interfaceIndex } from './sockaddr.ts';
import { createLan, type Lan } from './testing/lan.ts';
import { missing } from './testing/requirements.ts';

const lacks = missing({ capabilities: ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], programs: ['ip'] });
const GROUPS = Array.from({ length: 3_000 }, (_, index) => solicitedNodeGroup(`fd66::1:${index.toString(16)}`).group);

describe.skipIf(lacks)('groups of one interface', () => {
  let lan: Lan;
  let sockets: GroupSockets;

  beforeEach(() => {
    lan = createLan();
    sockets = lan.host.enter(() => new GroupSockets(interfaceIndex('eth0')));
  });

  afterEach(() => {
    sockets?.close();
    lan?.close();
  });

  /** Of the solicited-node groups that the test joins, those that the kernel has. */
  function members(): number {
    return lan.host
      .run('ip', '-6', 'maddr', 'show', 'dev', 'eth0')
      .split('\n')
      .filter(line => line.includes('ff02::1:ff01:')).length;
  }

  test('3,000 of them are more than one socket can hold, and all are joined, left and joined again', () => {
    lan.host.enter(() => {
      for (const group of GROUPS) sockets.join(group);
    });
    expect(members()).toBe(GROUPS.length);
    expect(sockets.size).toBeGreaterThan(1);
    const before = sockets.size;
    for (const group of GROUPS.slice(0, 1_500)) sockets.leave(group);
    expect(members()).toBe(1_500);
    lan.host.enter(() => {
      for (const group of GROUPS) sockets.join(group);
    });
    expect(members()).toBe(GROUPS.length);
    // What was left makes room.
    expect(sockets.size).toBe(before);
    for (const group of GROUPS.slice(0, 100)) sockets.rejoin(group);
    expect(members()).toBe(GROUPS.length);
  });

  test('calls are counted', () => {
    const [group = ''] = GROUPS;
    lan.host.enter(() => {
      sockets.join(group);
      sockets.join(group);
    });
    sockets.leave(group);
    expect(members()).toBe(1);
    sockets.leave(group);
    sockets.leave(group);
    expect(members()).toBe(0);
  });

  test('a group that cannot be joined is an error, and keeps none of the others out', () => {
    const [first = '', second = ''] = GROUPS;
    lan.host.enter(() => {
      expect(() => sockets.join('fd66::1')).toThrow(/not an IPv6 multicast group/);
      sockets.join(first);
      sockets.join(second);
    });
    expect(members()).toBe(2);
    lan.host.run('ip', 'link', 'delete', 'eth0');
    for (const group of [first, second]) expect(() => sockets.rejoin(group)).toThrow(/on interface \d+ again/);
  });
});
