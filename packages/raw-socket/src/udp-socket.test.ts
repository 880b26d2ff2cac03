import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ClassicAssembler } from './bpf/classic-assembler.ts';
import { solicitedNodeGroup } from './membership.ts';
import { PacketSocket } from './packet-socket.ts';
import { createLan, type Lan } from './testing/lan.ts';
import { patience } from './testing/patience.ts';
import { missing } from './testing/requirements.ts';
import { type UdpInfo, UdpSocket, type UdpSocketOptions } from './udp-socket.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});
const open = (options: UdpSocketOptions): UdpSocket => {
  const socket = UdpSocket.open(options);
  closers.push(() => socket.close());
  return socket;
};
function next(socket: UdpSocket, within = 1000): { text: string; info: UdpInfo } | undefined {
  for (const time = patience(within); time.left(); ) {
    const received = socket.receive();
    if (received) return { text: received.data.toString(), info: received.info };
  }
  return undefined;
}

describe('UdpSocket on loopback', () => {
  test.each(['127.0.0.1', '::1'])('%s: tells source, destination, TTL, interface and time', address => {
    const receiver = open({ address, port: 0, timestamps: true });
    const sender = open({ address, port: 0, ttl: 77 });
    expect(receiver.port).toBeGreaterThan(0);
    expect(sender.send(Buffer.from('hello'), receiver.port, address)).toEqual({ ok: true });
    const got = next(receiver);
    expect(got?.text).toBe('hello');
    expect(got?.info).toMatchObject({ address, port: sender.port, ttl: 77, interfaceIndex: 1, destination: address, truncated: false });
    expect(Math.abs(Number((got?.info.timestampNs ?? 0n) / 1_000_000n) - Date.now())).toBeLessThan(60_000);
    expect(receiver.receive()).toBeUndefined();
  });

  test.each(['127.0.0.1', '::1'])('%s: minTtl drops in the kernel what came through a router', address => {
    const receiver = open({ address, port: 0, minTtl: 255 });
    for (const ttl of [64, 254, 255]) open({ address, port: 0, ttl }).send(Buffer.from(String(ttl)), receiver.port, address);
    expect(next(receiver)?.text).toBe('255');
    expect(next(receiver, 30)).toBeUndefined();
  });

  test('a datagram longer than the buffer is told to be cut', () => {
    const receiver = open({ address: '127.0.0.1', port: 0, maxLength: 100 });
    open({ address: '127.0.0.1', port: 0 }).send(Buffer.alloc(101), receiver.port, '127.0.0.1');
    expect(next(receiver)).toMatchObject({ info: { truncated: true } });
  });

  test('an empty datagram is one', () => {
    const receiver = open({ address: '127.0.0.1', port: 0 });
    open({ address: '127.0.0.1', port: 0 }).send(Buffer.alloc(0), receiver.port, '127.0.0.1');
    expect(next(receiver)?.text).toBe('');
  });

  test('onReadable hands over a share at a time, and an ICMP error without losing what is behind it', () => {
    const texts: string[] = [];
    const errors: string[] = [];
    const closed = open({ address: '127.0.0.1', port: 0 });
    const receiver = open({
      address: '127.0.0.1',
      port: 0,
      batch: 2,
      onMessage: data => texts.push(data.toString()),
      onError: e => errors.push(e.code),
    });
    const sender = open({ address: '127.0.0.1', port: 0 });
    for (const text of ['a', 'b', 'c']) sender.send(Buffer.from(text), receiver.port, '127.0.0.1');
    receiver.onReadable();
    expect(texts).toEqual(['a', 'b']);
    closed.close();
    receiver.onReadable();
    expect([texts, errors]).toEqual([['a', 'b', 'c'], []]);
  });

  test.each<[string, UdpSocketOptions, string]>([
    ['an address of no interface', { address: '192.0.2.200', port: 0 }, 'AddressNotAvailable'],
    ['an address of the other family', { address: '127.0.0.1', port: 0, family: 6 }, 'InvalidArgument'],
    ['no port', { port: 70_000 }, 'InvalidArgument'],
    ['no device', { port: 0, device: 'nosuch0' }, 'NoSuchDevice'],
  ])('%s is refused', (_, options, code) => {
    expect(() => open(options)).toThrow(expect.objectContaining({ code }));
  });

  test('a port in use is refused with its number', () => {
    const first = open({ address: '127.0.0.1', port: 0 });
    expect(() => open({ address: '127.0.0.1', port: first.port })).toThrow(new RegExp(`127.0.0.1:${first.port}.*another socket holds`));
  });

  test('sending to the other family, or to no address, is refused', () => {
    const socket = open({ address: '127.0.0.1', port: 0 });
    expect(() => socket.send(Buffer.alloc(1), 1, '::1')).toThrow('not an IPv4 address');
    expect(() => socket.send(Buffer.alloc(1), 1, 'localhost')).toThrow('not an IP address');
  });
});

const skip = missing({ capabilities: ['CAP_NET_RAW', 'CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], programs: ['ip'] });

describe.skipIf(skip)(`UdpSocket between hosts${skip ? ` (${skip})` : ''}`, () => {
  let lan: Lan;
  beforeAll(() => {
    lan = createLan();
  });
  afterAll(() => lan?.close());

  test.each([
    ['239.1.2.3', 4],
    ['ff02::1234', 6],
  ] as const)('group %s: members hear it, others do not, leaving ends it', (group, family) => {
    const [member, other] = lan.host.enter(() => [
      open({ family, port: 5000, reuseAddress: true }),
      open({ family, port: 5000, reuseAddress: true }),
    ]);
    const sender = lan.peer.enter(() => open({ family, port: 0, multicastInterface: 'eth0' }));
    lan.host.enter(() => {
      member.joinMulticast(group, 'eth0');
      member.joinMulticast(group, 'eth0');
      member.leaveMulticast(group, 'eth0');
    });
    sender.send(Buffer.from('one'), 5000, group);
    expect(next(member)).toMatchObject({ text: 'one', info: { destination: group, ttl: 1 } });
    expect(next(other, 30)).toBeUndefined();
    lan.host.enter(() => member.rejoin('eth0'));
    sender.send(Buffer.from('two'), 5000, group);
    expect(next(member)?.text).toBe('two');
    lan.host.enter(() => member.leaveMulticast(group, 'eth0'));
    sender.send(Buffer.from('three'), 5000, group);
    expect(next(member, 50)).toBeUndefined();
  });

  test('link-local addresses carry their interface', () => {
    const linkLocal = /inet6 (fe80::[0-9a-f:]+)/;
    const [here, there] = [lan.host, lan.peer].map(
      ns => linkLocal.exec(ns.run('ip', '-6', 'addr', 'show', 'dev', 'eth0', 'scope', 'link'))?.[1],
    );
    const receiver = lan.host.enter(() => open({ address: `${here}%eth0`, port: 0 }));
    lan.peer.enter(() => open({ address: `${there}%eth0`, port: 0 }).send(Buffer.from('x'), receiver.port, `${here}%eth0`));
    const got = next(receiver);
    expect(got?.info.address).toBe(`${there}%${got?.info.interfaceIndex}`);
  });

  test('joining a solicited-node group sends an MLD report for it', () => {
    const { group } = solicitedNodeGroup('fd66::aabb:ccdd');
    const everything = new ClassicAssembler().ret(0x40000).assemble();
    const listener = lan.peer.enter(() => PacketSocket.open({ interface: 'eth0', filter: everything }));
    closers.push(() => listener.close());
    lan.host.enter(() => open({ family: 6, port: 0 }).joinMulticast(group, 'eth0'));
    const wanted = Buffer.from('ff0200000000000000000001ffbbccdd', 'hex');
    const end = performance.now() + 5000;
    let reported = false;
    while (!reported && performance.now() < end) {
      const frame = listener.receive();
      // Hop-by-hop header with a router alert, then ICMPv6 type 143 (RFC 3810).
      reported = frame !== undefined && frame[20] === 0 && frame[62] === 143 && frame.includes(wanted);
    }
    expect(reported).toBe(true);
  });
});
