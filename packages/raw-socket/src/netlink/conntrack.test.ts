import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectTcp } from '../tcp/connect.ts';
import { listenTcp, type TcpListener } from '../tcp/listen.ts';
import { createLan, type Lan } from '../testing/lan.ts';
import { missing } from '../testing/requirements.ts';
import { UdpSocket } from '../udp-socket.ts';
import { conntrackFlows, conntrackSize, countFlows } from './conntrack.ts';

const skip = missing({ capabilities: ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], programs: ['ip', 'nft'] });

const table = (family: string, vip: string, to: string): string =>
  `add table ${family} t; add chain ${family} t c { type nat hook prerouting priority -100; }; add rule ${family} t c ${family} daddr ${vip} dnat to ${to};`;

describe.skipIf(skip)(`connection tracking${skip ? ` (${skip})` : ''}`, () => {
  let lan: Lan;
  const listeners: TcpListener[] = [];
  const clients: Socket[] = [];
  const accepted: Socket[] = [];

  // The host forwards two service addresses to itself, as kube-proxy does to a pod: the original destination is the service address.
  beforeAll(async () => {
    lan = createLan();
    lan.host.input(`${table('ip', '10.66.0.100', '10.66.0.1')} ${table('ip6', 'fd66::100', 'fd66::1')}`, 'nft', '-f', '-');
    for (const [vip, via] of [
      ['10.66.0.100', '10.66.0.1'],
      ['10.66.0.101', '10.66.0.1'],
      ['fd66::100', 'fd66::1'],
    ] as const) {
      lan.peer.run('ip', 'route', 'add', vip, 'via', via, 'dev', 'eth0');
    }
    lan.host.run('ip', 'addr', 'add', '10.66.0.101/32', 'dev', 'lo');
    for (const address of ['0.0.0.0', '::']) {
      const listener = await lan.host.enter(() => listenTcp({ address, port: 8000 }));
      listener.server.on('connection', socket => accepted.push(socket));
      listeners.push(listener);
    }
  });
  afterAll(async () => {
    for (const socket of [...clients, ...accepted]) socket.destroy();
    for (const listener of listeners) await listener.close();
    lan?.close();
  });

  const connect = async (remote: string): Promise<Socket> => {
    const socket = await lan.peer.enter(() => connectTcp({ remote, port: 8000, timeout: 5000 }));
    clients.push(socket);
    return socket;
  };
  const count = (destination: string): ReturnType<typeof countFlows> => countFlows(lan.host.enter(() => conntrackFlows({ destination })));

  test.each([
    ['10.66.0.100', '10.66.0.1', 4],
    ['fd66::100', 'fd66::1', 6],
  ])('flows to %s are found by the address the client dialled', async (vip, backend, family) => {
    await connect(vip);
    const socket = await connect(vip);
    await connect(family === 4 ? '10.66.0.101' : 'fd66::1');
    const flows = lan.host.enter(() => conntrackFlows({ destination: vip }));
    expect(flows).toHaveLength(2);
    expect(flows.find(flow => flow.original.sourcePort === socket.localPort)).toMatchObject({
      family,
      protocol: 6,
      original: { destination: vip, destinationPort: 8000 },
      reply: { source: backend, sourcePort: 8000 },
      tcpState: 'established',
      seenReply: true,
      assured: true,
    });
    expect(lan.host.enter(() => conntrackFlows({ destination: vip, destinationPort: 8001 }))).toEqual([]);
    expect(lan.host.enter(() => conntrackFlows({ destination: vip, protocol: 17 }))).toEqual([]);
    expect(lan.host.enter(() => conntrackFlows({ destination: backend.replace('.1', '.250').replace('::1', '::250') }))).toEqual([]);
  });

  test('several addresses of both families are asked for at once', async () => {
    await connect('10.66.0.100');
    await connect('fd66::100');
    const destination = ['10.66.0.100', '10.66.0.101', 'fd66::100'];
    const flows = lan.host.enter(() => conntrackFlows({ destination }));
    const apart = destination.flatMap(each => lan.host.enter(() => conntrackFlows({ destination: each })));
    expect(flows.length).toBeGreaterThan(1);
    expect(new Set(flows.map(flow => flow.original.destination)).size).toBeGreaterThan(1);
    expect(flows).toHaveLength(apart.length);
    expect(lan.host.enter(() => conntrackFlows({ destination: [] }))).toEqual([]);
    expect(lan.host.enter(conntrackSize)).toBeGreaterThanOrEqual(flows.length);
  });

  test('a closed connection is no established one any more', async () => {
    const socket = await connect('10.66.0.100');
    const before = count('10.66.0.100').tcpEstablished;
    socket.destroy();
    for (const end of accepted) end.destroy();
    await once(socket, 'close');
    const until = performance.now() + 5000;
    while (count('10.66.0.100').tcpEstablished >= before && performance.now() < until)
      await new Promise(resolve => setTimeout(resolve, 10));
    expect(count('10.66.0.100').tcpEstablished).toBeLessThan(before);
  });

  test('UDP flows count once they were answered', () => {
    const server = lan.host.enter(() => UdpSocket.open({ address: '10.66.0.1', port: 5353 }));
    const client = lan.peer.enter(() => UdpSocket.open({ address: '10.66.0.2', port: 0 }));
    try {
      client.send(Buffer.from('question'), 5353, '10.66.0.100');
      const until = performance.now() + 2000;
      let question: ReturnType<UdpSocket['receive']>;
      while (!question && performance.now() < until) question = server.receive();
      expect(count('10.66.0.100').udp).toBe(0);
      server.send(Buffer.from('answer'), question?.info.port ?? 0, question?.info.address ?? '');
      expect(count('10.66.0.100').udp).toBe(1);
    } finally {
      server.close();
      client.close();
    }
  });
});
