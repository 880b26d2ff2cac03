import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createLan, type Lan } from '../testing/lan.ts';
import { missing } from '../testing/requirements.ts';
import { setAcceptedTtl, synTtl } from './accepted.ts';
import { type ConnectTcpOptions, connectTcp } from './connect.ts';
import { type ListenTcpOptions, listenTcp, type TcpListener } from './listen.ts';
import { encodeMd5, setTcpMd5, tcpMd5Supported } from './md5.ts';

const closers: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function listen(options: ListenTcpOptions): Promise<TcpListener> {
  const listener = await listenTcp(options);
  listener.server.on('connection', socket => {
    closers.push(() => void socket.destroy());
    socket.on('error', () => undefined);
    socket.end('hello');
  });
  closers.push(() => listener.close());
  return listener;
}

async function connect(options: Omit<ConnectTcpOptions, 'timeout'> & { timeout?: number }): Promise<Socket> {
  const socket = await connectTcp({ timeout: 5000, ...options });
  closers.push(() => void socket.destroy());
  return socket;
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', chunk => (text += chunk));
  await once(socket, 'close');
  return text;
}

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

describe('connectTcp and listenTcp on loopback', () => {
  test.each(['127.0.0.1', '::1'])('%s: an ordinary socket with the addresses asked for', async address => {
    const listener = await listen({ address, port: 0, ttl: 255, tos: 0xc0 });
    const local = address === '::1' ? '::1' : '127.0.0.5';
    const socket = await connect({ remote: address, port: listener.port, local, ttl: 255, minTtl: 255, tos: 0xc0 });
    expect([socket.localAddress, socket.remoteAddress, socket.remotePort]).toEqual([local, address, listener.port]);
    expect(await textOf(socket)).toBe('hello');
  });

  test.skipIf(!tcpMd5Supported()).each(['127.0.0.1', '::1'])(
    '%s: MD5: the right key connects; a wrong one and none do not',
    async address => {
      const listener = await listen({ address, port: 0, md5Keys: [{ peer: address, key: 'correct horse' }] });
      const socket = await connect({ remote: address, port: listener.port, md5: 'correct horse' });
      expect(await textOf(socket)).toBe('hello');
      for (const md5 of ['wrong', undefined]) {
        await expect(connect({ remote: address, port: listener.port, md5, timeout: 150 })).rejects.toMatchObject({ code: 'Timeout' });
      }
    },
  );

  test.skipIf(!tcpMd5Supported())('MD5: keys are changed, removed and set again while listening', async () => {
    const listener = await listen({ address: '127.0.0.1', port: 0, md5Keys: [{ peer: '127.0.0.1', key: 'one' }] });
    const works = (md5: string | undefined): Promise<boolean> =>
      connect({ remote: '127.0.0.1', port: listener.port, md5, timeout: 150 }).then(
        () => true,
        () => false,
      );
    expect([await works('one'), await works('two')]).toEqual([true, false]);
    listener.setMd5('127.0.0.1', 'two');
    expect([await works('one'), await works('two')]).toEqual([false, true]);
    listener.setMd5('127.0.0.1', null);
    listener.setMd5('127.0.0.1', null);
    expect([await works(undefined), await works('two')]).toEqual([true, false]);
    listener.setMd5('127.0.0.0/8', 'prefix');
    expect([await works('prefix'), await works(undefined)]).toEqual([true, false]);
    await listener.close();
    expect(() => listener.setMd5('127.0.0.1', 'late')).toThrow(expect.objectContaining({ code: 'Closed' }));
  });

  test.each(['127.0.0.1', '::1'])('%s: an accepted connection tells the TTL of its SYN, and is held to one from then on', async address => {
    const listener = await listenTcp({ address, port: 0, saveSyn: true });
    closers.push(() => listener.close());
    const accept = async (ttl: number): Promise<{ dialled: Socket; accepted: Socket }> => {
      const [[accepted], dialled] = await Promise.all([
        once(listener.server, 'connection') as Promise<[Socket]>,
        connect({ remote: address, port: listener.port, ttl }),
      ]);
      closers.push(() => void accepted.destroy());
      return { dialled, accepted };
    };
    const near = await accept(255);
    const far = await accept(64);
    expect([synTtl(near.accepted), synTtl(far.accepted)]).toEqual([255, 64]);
    expect(synTtl(far.accepted)).toBeUndefined();
    for (const { accepted, dialled } of [near, far]) {
      setAcceptedTtl(accepted, { ttl: 255, minTtl: 255 });
      dialled.write('hello');
    }
    expect(String((await once(near.accepted, 'data'))[0])).toBe('hello');
    // The kernel dropped what came from afar: nothing of it can be read, however often it is sent again.
    expect(far.accepted.read()).toBeNull();
    expect(far.accepted.bytesRead).toBe(0);
    expect(() => setAcceptedTtl(near.accepted, { minTtl: 256 })).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
    near.accepted.destroy();
    expect(() => synTtl(near.accepted)).toThrow(expect.objectContaining({ code: 'Closed' }));
  });

  test('nobody listens: refused, with what failed', async () => {
    await expect(connect({ remote: '127.0.0.1', port: 1 })).rejects.toMatchObject({
      code: 'ConnectionRefused',
      errno: 'ECONNREFUSED',
      message: 'cannot connect to 127.0.0.1:1: connect failed with ECONNREFUSED',
    });
  });

  test('an abort ends the attempt', async () => {
    const listener = await listen({ address: '127.0.0.1', port: 0, md5Keys: [{ peer: '127.0.0.1', key: 'k' }] });
    const abort = new AbortController();
    const attempt = connect({ remote: '127.0.0.1', port: listener.port, signal: abort.signal });
    abort.abort();
    await expect(attempt).rejects.toMatchObject({ code: 'Aborted' });
    await expect(connect({ remote: '127.0.0.1', port: listener.port, signal: abort.signal })).rejects.toMatchObject({ code: 'Aborted' });
  });

  test('hundreds of attempts that fail leave no descriptor behind', async () => {
    await connect({ remote: '127.0.0.1', port: 1 }).catch(() => undefined);
    const before = openDescriptors();
    for (let i = 0; i < 300; i++) await connect({ remote: '127.0.0.1', port: 1 }).catch(() => undefined);
    for (let i = 0; i < 50; i++) await connect({ remote: '127.0.0.1', port: 1, local: '192.0.2.77' }).catch(() => undefined);
    expect(openDescriptors()).toBeLessThanOrEqual(before + 3);
  });

  test.each<[string, ConnectTcpOptions, string]>([
    ['no address', { remote: 'localhost', port: 1, timeout: 1 }, 'InvalidArgument'],
    ['two families', { remote: '::1', local: '127.0.0.1', port: 1, timeout: 1 }, 'InvalidArgument'],
    ['no timeout', { remote: '::1', port: 1, timeout: 0 }, 'InvalidArgument'],
    ['a TTL out of range', { remote: '::1', port: 1, timeout: 1, ttl: 256 }, 'InvalidArgument'],
    ['a key too long', { remote: '::1', port: 1, timeout: 1, md5: 'x'.repeat(81) }, 'InvalidArgument'],
    ['an empty key', { remote: '::1', port: 1, timeout: 1, md5: '' }, 'InvalidArgument'],
    ['a foreign source address', { remote: '127.0.0.1', port: 1, timeout: 1, local: '192.0.2.77' }, 'AddressNotAvailable'],
    ['no such device', { remote: '127.0.0.1', port: 1, timeout: 1, device: 'nosuch0' }, 'NoSuchDevice'],
  ])('%s is refused', async (_, options, code) => {
    await expect(connectTcp(options)).rejects.toMatchObject({ code });
  });

  test('a port in use and a peer of the other family are refused by the listener', async () => {
    const first = await listen({ address: '127.0.0.1', port: 0 });
    await expect(listenTcp({ address: '127.0.0.1', port: first.port })).rejects.toMatchObject({ code: 'AddressInUse' });
    expect(() => first.setMd5('::1', 'key')).toThrow('cannot reach a listener on 127.0.0.1');
    expect(() => setTcpMd5(-1, '127.0.0.1', 'key')).toThrow(expect.objectContaining({ code: 'Closed' }));
  });

  test('the key never shows in an error', async () => {
    const error: unknown = await connectTcp({ remote: '127.0.0.1', port: 1, timeout: 500, md5: 'very secret' }).catch((e: unknown) => e);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('very secret');
  });

  test.each<[string, string, string]>([
    ['an address', '10.0.0.1', '020000000a000001'],
    ['a prefix', '10.0.0.0/24', '020000000a000000'],
  ])('struct tcp_md5sig for %s', (_, peer, head) => {
    const struct = encodeMd5(peer, Buffer.from('key'));
    expect(struct).toHaveLength(216);
    expect(struct.subarray(0, 8).toString('hex')).toBe(head);
    expect([...struct.subarray(128, 132)]).toEqual(peer.includes('/') ? [1, 24, 3, 0] : [0, 0, 3, 0]);
    expect(struct.toString('latin1', 136, 139)).toBe('key');
  });

  test.each(['10.0.0.0/33', '10.0.0.0/', 'fd00::/129', '10.0.0.0/8/8', 'peer', '10.0.0.0/-1'])('%s is no peer', peer => {
    expect(() => encodeMd5(peer, Buffer.from('k'))).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
  });
});

const skip = missing({ capabilities: ['CAP_NET_RAW', 'CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], programs: ['ip'] });

describe.skipIf(skip)(`GTSM and devices between hosts${skip ? ` (${skip})` : ''}`, () => {
  let lan: Lan;
  beforeAll(() => {
    lan = createLan();
  });
  afterAll(() => lan?.close());

  test.each(['10.66.0.1', 'fd66::1'])('%s: a listener with minTtl 255 hears only the link', async address => {
    const listener = await lan.host.enter(() => listen({ address, port: 0, minTtl: 255, ttl: 255 }));
    const dial = (options: Partial<ConnectTcpOptions>): Promise<Socket> =>
      lan.peer.enter(() => connect({ remote: address, port: listener.port, timeout: 300, ...options }));
    await expect(dial({ ttl: 64 })).rejects.toMatchObject({ code: 'Timeout' });
    await expect(dial({ ttl: 254 })).rejects.toMatchObject({ code: 'Timeout' });
    expect(await textOf(await dial({ ttl: 255, minTtl: 255, timeout: 5000 }))).toBe('hello');
  });

  test('a dialler with minTtl does not hear an answer from afar', async () => {
    const listener = await lan.host.enter(() => listen({ address: '10.66.0.1', port: 0, ttl: 64 }));
    const attempt = lan.peer.enter(() => connect({ remote: '10.66.0.1', port: listener.port, ttl: 255, minTtl: 255, timeout: 300 }));
    await expect(attempt).rejects.toMatchObject({ code: 'Timeout' });
  });

  test('bound to a device: link-local neighbours without a zone problem', async () => {
    const output = lan.host.run('ip', '-6', 'addr', 'show', 'dev', 'eth0', 'scope', 'link');
    const address = /inet6 (fe80::[0-9a-f:]+)/.exec(output)?.[1];
    const listener = await lan.host.enter(() => listen({ address: '::', port: 0, device: 'eth0' }));
    const socket = await lan.peer.enter(() => connect({ remote: `${address}%eth0`, port: listener.port, device: 'eth0' }));
    expect(await textOf(socket)).toBe('hello');
  });
});
