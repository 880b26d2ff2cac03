import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ClassicAssembler } from './bpf/classic-assembler.ts';
import { arpFilter, ndpFilter } from './bpf/filters.ts';
import { realtimeNs } from './clock.ts';
import { ETH_P_ALL } from './constants.ts';
import { solicitedNodeGroup } from './membership.ts';
import { PacketSocket } from './packet-socket.ts';
import { PollLoop } from './poll-loop.ts';
import { interfaceIndex } from './sockaddr.ts';
import { arpFrame, ndpFrame } from './testing/frames.ts';
import { createLan, type Lan } from './testing/lan.ts';
import { patience } from './testing/patience.ts';
import { missing } from './testing/requirements.ts';
import { UdpSocket } from './udp-socket.ts';

const skip = missing({ capabilities: ['CAP_NET_RAW', 'CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], programs: ['ip'] });

/** Frames are in the other end's queue when a send over veth returns, but for the softirq; a moment covers it. */
function drain(socket: PacketSocket): Buffer[] {
  const frames: Buffer[] = [];
  for (const time = patience(30); time.left(); ) for (let f = socket.receive(); f; f = socket.receive()) frames.push(Buffer.from(f));
  return frames;
}

describe.skipIf(skip)(`PacketSocket${skip ? ` (${skip})` : ''}`, () => {
  let lan: Lan;
  const closers: (() => void)[] = [];
  beforeAll(() => {
    lan = createLan();
  });
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });
  afterAll(() => lan?.close());

  const open = (
    where: 'host' | 'peer',
    filter: Parameters<typeof PacketSocket.open>[0]['filter'],
    onFrame?: (frame: Buffer) => void,
  ): PacketSocket =>
    lan[where].enter(() => {
      const socket = PacketSocket.open({ interface: 'eth0', filter, ...(onFrame && { onFrame }) });
      closers.push(() => socket.close());
      return socket;
    });
  const members = (): boolean => lan.host.run('ip', 'maddr', 'show', 'dev', 'eth0').includes('33:33:ff:00:00:99');
  const everything = new ClassicAssembler().ret(0x40000).assemble();
  const ifindex = (): number => lan.host.enter(() => interfaceIndex('eth0'));
  const request = (targetIp: string, change: Partial<Parameters<typeof arpFrame>[0]> = {}): Buffer =>
    arpFrame({ source: lan.peer.mac, senderIp: '10.66.0.2', targetIp, ...change });
  test('receives what its filter passes, and says what it knows about it', () => {
    const socket = open('host', arpFilter({ interfaceIndex: ifindex(), targets: ['10.66.0.77'] }));
    const sender = open('peer', everything);
    expect(sender.send(request('10.66.0.78'))).toEqual({ ok: true });
    expect(sender.send(request('10.66.0.77'))).toEqual({ ok: true });
    expect(drain(socket)).toEqual([request('10.66.0.77')]);
    expect(socket.info).toEqual({
      interfaceIndex: ifindex(),
      protocol: 0x0806,
      packetType: 'broadcast',
      length: 42,
      timestampNs: undefined,
    });
    expect(socket.takeDropped()).toBe(0);
  });

  test.each<[string, (lan: Lan) => Buffer, number]>([
    ['a frame for a VLAN, whose tag the kernel strips', () => request('10.66.0.77', { vlan: 10 }), 0],
    ['a frame for another host', () => request('10.66.0.77', { destination: '02:66:00:00:00:99' }), 0],
    ['a unicast frame for us', l => request('10.66.0.77', { destination: l.host.mac }), 1],
    ['rubbish', () => Buffer.alloc(60, 0xa5), 0],
  ])('%s', (_, frame, count) => {
    const socket = open('host', arpFilter({ interfaceIndex: ifindex(), targets: ['10.66.0.77'] }));
    open('peer', everything).send(frame(lan));
    expect(drain(socket)).toHaveLength(count);
  });

  test('a solicitation passes with hop limit 255 only', () => {
    const socket = open('host', ndpFilter({ interfaceIndex: ifindex(), targets: ['fd66::77'] }));
    const sender = open('peer', everything);
    const { group, mac } = solicitedNodeGroup('fd66::77');
    for (const hopLimit of [64, 254, 255]) {
      sender.send(
        ndpFrame({ destination: mac, source: lan.peer.mac, sourceIp: 'fd66::2', destinationIp: group, target: 'fd66::77', hopLimit }),
      );
    }
    expect(drain(socket).map(frame => frame[21])).toEqual([255]);
  });

  test('does not see its own frames', () => {
    const socket = open('host', everything);
    socket.send(request('10.66.0.1', { source: lan.host.mac }));
    expect(drain(socket).filter(frame => frame.subarray(6, 12).toString('hex') === '026600000001')).toEqual([]);
  });

  test('the filter is exchanged without a gap, and 3,700 addresses fit', () => {
    const socket = open('host', arpFilter({ interfaceIndex: ifindex(), targets: [] }));
    const sender = open('peer', everything);
    const targets = Array.from({ length: 3700 }, (_, i) => `10.67.${i >> 8}.${i & 255}`);
    sender.send(request('10.67.0.5'));
    expect(drain(socket)).toEqual([]);
    socket.setFilter(arpFilter({ interfaceIndex: ifindex(), targets }));
    expect(socket.filterExact).toBe(true);
    sender.send(request('10.67.0.5'));
    sender.send(request('10.66.0.78'));
    expect(drain(socket)).toEqual([request('10.67.0.5')]);
  });

  test('answers a client of this kernel from a poll loop: the address resolves to the MAC in the answer', () => {
    const vip = '10.66.0.99';
    const mac = '02:aa:00:00:00:99';
    const loop = new PollLoop();
    closers.push(() => loop.close());
    const socket = open('host', arpFilter({ interfaceIndex: ifindex(), operations: ['request'], targets: [vip] }), () => {
      socket.send(
        arpFrame({
          operation: 2,
          destination: lan.peer.mac,
          source: lan.host.mac,
          senderMac: mac,
          senderIp: vip,
          targetMac: lan.peer.mac,
          targetIp: '10.66.0.2',
        }),
      );
      loop.stop();
    });
    loop.add(socket);
    // A datagram makes the client's kernel ask; nothing else does.
    const client = lan.peer.enter(() => UdpSocket.open({ address: '10.66.0.2', port: 0 }));
    closers.push(() => client.close());
    client.send(Buffer.from('x'), 9, vip);
    loop.after(5000, () => loop.stop());
    loop.run();
    expect(lan.peer.run('ip', 'neigh', 'show', vip)).toContain(mac);
  });

  test('group membership of the interface is counted', () => {
    const socket = open('host', everything);
    socket.joinMulticast('33:33:ff:00:00:99');
    socket.joinMulticast('33:33:ff:00:00:99');
    socket.leaveMulticast('33:33:ff:00:00:99');
    expect(members()).toBe(true);
    socket.leaveMulticast('33:33:ff:00:00:99');
    socket.leaveMulticast('33:33:ff:00:00:99');
    expect(members()).toBe(false);
  });

  test('a link that goes down and comes back: sends fail with a reason, then both ways work again', () => {
    const socket = open('host', arpFilter({ interfaceIndex: ifindex() }));
    const sender = open('peer', everything);
    lan.host.run('ip', 'link', 'set', 'eth0', 'down');
    expect(socket.send(request('10.66.0.2', { source: lan.host.mac }))).toEqual({ ok: false, errno: 'ENETDOWN', retry: true });
    expect(socket.receive()).toBeUndefined();
    lan.host.run('ip', 'link', 'set', 'eth0', 'up');
    const end = performance.now() + 3000;
    let seen = false;
    while (!seen && performance.now() < end) {
      sender.send(request('10.66.0.123'));
      seen = drain(socket).some(frame => frame.equals(request('10.66.0.123')));
    }
    expect(seen).toBe(true);
  });

  test('a frame longer than the snap length is cut, and its true length told', () => {
    const socket = lan.host.enter(() => PacketSocket.open({ interface: 'eth0', filter: everything, snapLength: 64, protocol: ETH_P_ALL }));
    closers.push(() => socket.close());
    const long = Buffer.concat([Buffer.from('02660000000102660000000288b5', 'hex'), Buffer.alloc(500, 1)]);
    open('peer', everything).send(long);
    const lengths: [number, number][] = [];
    const end = performance.now() + 1000;
    while (lengths.length === 0 && performance.now() < end) {
      const frame = socket.receive();
      if (frame && socket.info.protocol === 0x88b5) lengths.push([frame.length, socket.info.length]);
    }
    expect(lengths).toEqual([[64, 514]]);
  });

  test('the kernel tells when a frame came', () => {
    const filter = arpFilter({ interfaceIndex: ifindex(), targets: ['10.66.0.77'] });
    const socket = lan.host.enter(() => PacketSocket.open({ interface: 'eth0', filter, timestamps: true }));
    closers.push(() => socket.close());
    const before = realtimeNs();
    open('peer', everything).send(request('10.66.0.77'));
    expect(drain(socket)).toEqual([request('10.66.0.77')]);
    const at = socket.info.timestampNs ?? 0n;
    expect(at >= before && at <= realtimeNs()).toBe(true);
    expect(socket.info).toMatchObject({ interfaceIndex: ifindex(), protocol: 0x0806, packetType: 'broadcast', length: 42 });
  });

  test('without CAP_NET_RAW the error says what to grant', () => {
    const program = `
      import { arpFilter, PacketSocket } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
      try { PacketSocket.open({ interface: 'lo', filter: arpFilter({ interfaceIndex: 1 }) }); }
      catch ({ code, needs, message }) { console.log(JSON.stringify({ code, needs, message })); }
    `;
    const args = [
      '--bounding-set',
      '-net_raw',
      '--inh-caps',
      '-net_raw',
      process.execPath,
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      program,
    ];
    const output = execFileSync('setpriv', args, { encoding: 'utf8', cwd: fileURLToPath(new URL('..', import.meta.url)) });
    expect(JSON.parse(output)).toEqual({
      code: 'NotPermitted',
      needs: 'CAP_NET_RAW',
      message: 'cannot open a packet socket on lo: socket failed with EPERM (needs CAP_NET_RAW: grant it to the process)',
    });
  });

  test('an interface that is not there, and use after close, are clear errors', () => {
    expect(() => PacketSocket.open({ interface: 'nosuch0', filter: everything })).toThrow(
      expect.objectContaining({ code: 'NoSuchDevice' }),
    );
    const socket = open('host', everything);
    socket.close();
    socket.close();
    expect(() => socket.receive()).toThrow('a packet socket on eth0 was closed');
  });
});
