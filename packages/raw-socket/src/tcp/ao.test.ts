import { describe, expect, test } from 'vitest';
import { AF_INET, SOCK_STREAM } from '../constants.ts';
import { Descriptor } from '../descriptor.ts';
import { deleteTcpAo, encodeTcpAoAdd, encodeTcpAoDelete, setTcpAo, type TcpAoKey, tcpAoSupported } from './ao.ts';
import { connectTcp } from './connect.ts';
import { listenTcp } from './listen.ts';

const KEY: TcpAoKey = { algorithm: 'HMAC-SHA-1-96', key: 'secret', sendId: 100, receiveId: 200 };
const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
const padded = (bytes: string, length: number): string => bytes.padEnd(length * 2, '0');

describe('struct tcp_ao_add and tcp_ao_del, octet by octet', () => {
  test.each<[string, string, TcpAoKey, { address: string; algorithm: string; tail: string }]>([
    ['IPv4', '10.0.0.1', KEY, { address: '020000000a000001', algorithm: 'hmac(sha1)', tail: '2064c80c0006' }],
    ['an IPv4 prefix', '10.0.0.0/24', KEY, { address: '020000000a000000', algorithm: 'hmac(sha1)', tail: '1864c80c0006' }],
    [
      'IPv6',
      '2001:db8::1',
      { ...KEY, algorithm: 'AES-128-CMAC-96', sendId: 0, receiveId: 255 },
      { address: '0a0000000000000020010db8000000000000000000000001', algorithm: 'cmac(aes128)', tail: '8000ff0c0006' },
    ],
    [
      'link-local, by the index of its interface',
      'fe80::1%3',
      { ...KEY, key: Buffer.alloc(6, 0xff) },
      { address: '0a00000000000000fe80000000000000000000000000000103000000', algorithm: 'hmac(sha1)', tail: '8064c80c0006' },
    ],
  ])('%s', (_, peer, key, { address, algorithm, tail }) => {
    const head = padded(address, 128);
    const secret = Buffer.from(key.key).toString('hex');
    // ifindex, flags and the reserved 16 bits are zero, or the kernel refuses.
    expect(encodeTcpAoAdd(peer, key).toString('hex')).toBe(head + padded(hex(algorithm), 64) + padded('', 10) + tail + padded(secret, 80));
    // prefix, sndid and rcvid; then no other key to make current, and no flags.
    expect(encodeTcpAoDelete(peer, key).toString('hex')).toBe(`${head}${padded('', 10)}${tail.slice(0, 6)}000000`);
  });

  test.each<[string, string, TcpAoKey]>([
    ['no key', '10.0.0.1', { ...KEY, key: '' }],
    ['a key of 81 bytes', '10.0.0.1', { ...KEY, key: 'x'.repeat(81) }],
    ['an ID of 256', '10.0.0.1', { ...KEY, sendId: 256 }],
    ['a negative ID', '10.0.0.1', { ...KEY, receiveId: -1 }],
    ['another algorithm', '10.0.0.1', { ...KEY, algorithm: 'toString' as 'HMAC-SHA-1-96' }],
    ['a name', 'router', KEY],
    ['a prefix too long', '10.0.0.0/33', KEY],
  ])('%s is refused', (_, peer, key) => {
    expect(() => encodeTcpAoAdd(peer, key)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
  });
});

test('either MD5 or TCP-AO', async () => {
  await expect(connectTcp({ remote: '127.0.0.1', port: 1, timeout: 100, md5: 'k', ao: KEY })).rejects.toMatchObject({
    code: 'InvalidArgument',
  });
});

describe.skipIf(tcpAoSupported())('a kernel without TCP-AO', () => {
  const refusal = expect.objectContaining({
    code: 'NotSupported',
    errno: 'ENOPROTOOPT',
    message: expect.stringContaining('CONFIG_TCP_AO'),
  });

  test('says so, with what it takes', async () => {
    const socket = Descriptor.socket(AF_INET, SOCK_STREAM, 0, 'a TCP socket');
    try {
      expect(() => setTcpAo(socket.fd, '10.0.0.1', KEY)).toThrow(refusal);
      expect(() => deleteTcpAo(socket.fd, '10.0.0.1', KEY)).toThrow(refusal);
    } finally {
      socket.close();
    }
    await expect(connectTcp({ remote: '127.0.0.1', port: 1, timeout: 100, ao: KEY })).rejects.toEqual(refusal);
    await expect(listenTcp({ address: '127.0.0.1', port: 0, aoKeys: [{ peer: '127.0.0.1', key: KEY }] })).rejects.toEqual(refusal);
  });

  test('a listener goes on after the refusal', async () => {
    const listener = await listenTcp({ address: '127.0.0.1', port: 0 });
    listener.server.on('connection', socket => void socket.destroy());
    try {
      expect(() => listener.setAo('127.0.0.1', KEY)).toThrow(refusal);
      listener.setAo('127.0.0.1', null);
      const socket = await connectTcp({ remote: '127.0.0.1', port: listener.port, timeout: 5000 });
      socket.destroy();
    } finally {
      await listener.close();
    }
  });
});

describe.skipIf(!tcpAoSupported())('a kernel with TCP-AO', () => {
  test.each<TcpAoKey['algorithm']>(['HMAC-SHA-1-96', 'AES-128-CMAC-96'])('%s: the same key connects, another does not', async algorithm => {
    const key = { ...KEY, algorithm };
    const listener = await listenTcp({ address: '127.0.0.1', port: 0, aoKeys: [{ peer: '127.0.0.1', key }] });
    listener.server.on('connection', socket => void socket.destroy());
    const dial = async (ao: TcpAoKey | undefined): Promise<void> => {
      (await connectTcp({ remote: '127.0.0.1', port: listener.port, timeout: 300, ao })).destroy();
    };
    try {
      const mirrored = { ...key, sendId: key.receiveId, receiveId: key.sendId };
      await dial(mirrored);
      await expect(dial({ ...mirrored, key: 'other' })).rejects.toMatchObject({ code: 'Timeout' });
      await expect(dial(undefined)).rejects.toMatchObject({ code: 'Timeout' });
      listener.setAo('127.0.0.1', null);
      await dial(undefined);
    } finally {
      await listener.close();
    }
  });
});
