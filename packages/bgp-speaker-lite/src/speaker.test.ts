import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type PeerOptions, Speaker, type SpeakerOptions, systemTransport, type TcpAoOptions } from './index.ts';

const NEXT_HOPS = { ipv4: '192.0.2.2', ipv6: '2001:db8::2' };
const AO: TcpAoOptions = { algorithm: 'HMAC-SHA-1-96', key: 'very secret', sendId: 1, receiveId: 2 };
const speakers: Speaker[] = [];

function make(options: Partial<SpeakerOptions> = {}): Speaker {
  const speaker = new Speaker({ asn: 65001, routerId: '192.0.2.1', ...options });
  speakers.push(speaker);
  return speaker;
}

/** A router that listens, and a node that dials it. */
async function pair(node: Partial<PeerOptions> = {}, router: Partial<PeerOptions> = {}) {
  const a = make();
  const port = await a.listen({ port: 0, addresses: ['127.0.0.1'] });
  a.addPeer({ name: 'node', address: '127.0.0.1', remoteAs: 65002, passive: true, nextHop: NEXT_HOPS, ...router });
  const b = make({ asn: 65002, routerId: '192.0.2.2', hostname: 'node-1' });
  const options = { name: 'router', address: '127.0.0.1', port, remoteAs: 65001, nextHop: NEXT_HOPS, ...node } as const;
  return { router: a, node: b, port, options };
}

async function state(speaker: Speaker, peer: string, wanted: string): Promise<void> {
  while (speaker.peerStatus(peer).state !== wanted) await once(speaker, 'state');
}

async function eventually(check: () => boolean): Promise<void> {
  while (!check()) await new Promise(resolve => setTimeout(resolve, 5));
}

afterEach(async () => {
  await Promise.all(speakers.splice(0).map(speaker => speaker.stop()));
});

describe('a speaker', () => {
  it('tells a new session everything, and then only what changes', async () => {
    const { router, node, options } = await pair();
    node.announce({ prefix: '198.51.100.1/32' });
    node.announce({ prefix: '2001:db8:1::/64' });
    node.addPeer(options);
    await once(node, 'synchronized');
    expect(node.peerStatus('router').announced).toEqual({ 'ipv4-unicast': 1, 'ipv6-unicast': 1 });
    await eventually(() => router.peerStatus('node').counters.prefixesReceived === 2);
    for (let i = 0; i < 2000; i++) node.announce({ prefix: `10.0.${i >>> 8}.${i & 255}/32` });
    await eventually(() => router.peerStatus('node').counters.prefixesReceived === 2002);
    expect(node.peerStatus('router').counters.updatesSent).toBeLessThan(10);
    node.replaceRoutes([{ prefix: '198.51.100.1/32' }]);
    await eventually(() => router.peerStatus('node').counters.prefixesWithdrawn === 2001);
    expect(router.peerStatus('node')).toMatchObject({
      remoteAs: 65002,
      remoteRouterId: '192.0.2.2',
      remoteHostname: 'node-1',
      lastError: undefined,
    });
  });

  it('says goodbye in words', async () => {
    const { router, node, options } = await pair();
    node.addPeer(options);
    await state(router, 'node', 'Established');
    await node.stop({ mode: 'cease', message: 'bye' });
    await eventually(() => router.peerStatus('node').lastError !== undefined);
    expect(router.peerStatus('node').lastError?.text).toBe('the peer sent Cease: Administrative Shutdown ("bye") [6/2]');
    expect(router.peerStatus('node').counters.notificationsReceived).toEqual({ '6/2': 1 });
    expect(() => node.announce({ prefix: '192.0.2.0/24' })).toThrow(expect.objectContaining({ code: 'BGP_STOPPED' }));
  });

  it('does not reset a session for what needs no reset, and resets that peer alone for what does', async () => {
    const { router, node, options } = await pair();
    node.addPeer(options);
    await state(node, 'router', 'Established');
    node.updatePeer({ ...options, connectRetryTime: 9, receivedRouteLimit: 5, nextHop: { ipv4: '192.0.2.9' } });
    expect(node.peerStatus('router').state).toBe('Established');
    node.updatePeer({ ...options, holdTime: 30 });
    await eventually(() => node.peerStatus('router').counters.sessionsEstablished === 2);
    expect(node.peerStatus('router').holdTime).toBe(30);
    await eventually(() => router.peerStatus('node').lastError !== undefined);
    expect(router.peerStatus('node').lastError?.text).toContain('Other Configuration Change');
  });

  it('ends with Cease what sends more routes than allowed', async () => {
    const { router, node, options } = await pair({}, { receivedRouteLimit: 2 });
    for (const i of [1, 2, 3]) node.announce({ prefix: `198.51.100.${i}/32` });
    node.addPeer(options);
    await eventually(() => node.peerStatus('router').lastError !== undefined);
    expect(node.peerStatus('router').lastError?.text).toContain('Maximum Number of Prefixes Reached [6/1]');
    expect(router.peerStatus('node').state).toBe('Idle');
  });

  it('keeps the octets of what breaks the protocol, and closes on strangers without a word', async () => {
    const router = make();
    const port = await router.listen({ port: 0, addresses: ['127.0.0.1'] });
    const stranger = connect(port, '127.0.0.1');
    await once(stranger, 'close');
    expect(stranger.bytesRead).toBe(0);
    router.addPeer({ name: 'node', address: '127.0.0.1', remoteAs: 65002, passive: true });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: example.com\r\n\r\n');
    socket.resume();
    await once(socket, 'close');
    expect(router.peerStatus('node').lastError?.text).toContain('Connection Not Synchronized [1/1]');
    expect(router.malformedMessages('node')).toHaveLength(1);
  });

  it('says which family cannot be announced for want of a next hop', async () => {
    const { node, options } = await pair({ nextHop: { ipv4: '192.0.2.2' } });
    node.announce({ prefix: '2001:db8::/32' });
    node.addPeer(options);
    await once(node, 'synchronized');
    expect(node.peerStatus('router').problems).toEqual([expect.stringContaining('no IPv6 next hop is known on lo: set nextHop.ipv6')]);
    expect(node.peerStatus('router').announced['ipv6-unicast']).toBe(0);
  });

  it('has a session by GTSM with a peer that dials', async () => {
    const { router, node, options } = await pair({ gtsm: true }, { gtsm: true });
    node.addPeer(options);
    await Promise.all([state(router, 'node', 'Established'), state(node, 'router', 'Established')]);
    expect(router.peerStatus('node').lastError).toBeUndefined();
  });

  it('refuses in words a connection that GTSM does not allow', async () => {
    const { router, node, options } = await pair({}, { gtsm: true });
    const failures: string[] = [];
    router.on('failure', ({ text }) => failures.push(text));
    node.addPeer(options);
    await eventually(() => failures.length > 0);
    expect(failures[0]).toMatch(
      /^a connection of the peer was refused: it arrived with TTL 1, and gtsm demands 255 or more: set TTL security/,
    );
    expect(router.peerStatus('node')).toMatchObject({ state: 'Active', remoteAs: undefined, counters: { messagesReceived: 0 } });
    router.updatePeer({ name: 'node', address: '127.0.0.1', remoteAs: 65002, passive: true, nextHop: NEXT_HOPS, gtsm: 255 - 1 });
    node.updatePeer({ ...options, gtsm: true });
    await state(router, 'node', 'Established');
  });

  it('leaves a peer with TCP-AO Idle where the kernel has none, says why, and touches no other', async () => {
    const without = { ...systemTransport, tcpAoSupported: () => false };
    const { router, node, port, options } = await pair();
    const ao = make({ asn: 65003, routerId: '192.0.2.3', transport: without });
    await ao.listen({ port: 0, addresses: ['127.0.0.1'] });
    const failures: unknown[] = [];
    ao.on('failure', event => failures.push(event));
    ao.addPeer({ name: 'signed', address: '127.0.0.1', port, remoteAs: 65001, tcpAo: AO });
    expect(failures).toEqual([{ peer: 'signed', text: expect.stringMatching(/CONFIG_TCP_AO, or use password/), code: 'BGP_UNSUPPORTED' }]);
    expect(ao.peerStatus('signed')).toMatchObject({ state: 'Idle', lastError: { code: 'BGP_UNSUPPORTED' } });
    expect(JSON.stringify([failures, ao.status()])).not.toContain(AO.key);
    node.addPeer(options);
    await state(router, 'node', 'Established');
    expect(router.peerStatus('node').remoteAs).toBe(65002);
    ao.updatePeer({ name: 'signed', address: '127.0.0.1', port: 1, remoteAs: 65001 });
    await eventually(() => ao.peerStatus('signed').state !== 'Idle' || failures.length > 1);
    expect(failures.slice(1).every(failure => !JSON.stringify(failure).includes('UNSUPPORTED'))).toBe(true);
    ao.updatePeer({ name: 'signed', address: '127.0.0.1', port: 1, remoteAs: 65001, tcpAo: AO });
    expect(ao.peerStatus('signed')).toMatchObject({ state: 'Idle', lastError: { code: 'BGP_UNSUPPORTED' } });
  });

  it('gives the listener the TCP-AO key of a peer for as long as it is configured', async () => {
    const keys: [string, number | undefined][] = [];
    const speaker = make({
      transport: {
        ...systemTransport,
        tcpAoSupported: () => true,
        dial: () => new Promise(() => {}),
        listen: async options => ({
          ...(await systemTransport.listen(options)),
          setTcpAo: (peer, key) => {
            if (key?.sendId === 99) throw new Error('refused');
            keys.push([peer, key?.sendId]);
          },
        }),
      },
    });
    await speaker.listen({ port: 0, addresses: ['127.0.0.1'] });
    const peer = { name: 'p', address: '192.0.2.9', remoteAs: 65009, tcpAo: AO } as const;
    speaker.addPeer(peer);
    speaker.updatePeer({ ...peer, holdTime: 30 });
    speaker.updatePeer({ ...peer, tcpAo: { ...AO, sendId: 7 } });
    expect(() => speaker.updatePeer({ ...peer, tcpAo: { ...AO, sendId: 99 } })).toThrow('refused');
    speaker.removePeer('p');
    expect(() => speaker.addPeer({ ...peer, tcpAo: { ...AO, sendId: 99 } })).toThrow('refused');
    expect(speaker.peers).toEqual([]);
    const added = keys.flatMap(([address, id]) => (address === '192.0.2.9' && id !== undefined ? [id] : []));
    expect(added).toEqual([1, 7, 7]);
    expect(keys.at(-1)).toEqual(['192.0.2.9', undefined]);
  });

  it('ends for a restart without a word towards who keeps the routes, and with a reset towards who does not', async () => {
    const keeping = await pair({ gracefulRestart: {} }, { gracefulRestart: {} });
    const { router: dropping, port } = await pair();
    const { node } = keeping;
    node.addPeer(keeping.options);
    const { gracefulRestart: _, ...plain } = keeping.options;
    node.addPeer({ ...plain, name: 'dropping', port });
    await Promise.all([state(node, 'router', 'Established'), state(node, 'dropping', 'Established')]);
    const ends = Promise.all([once(keeping.router, 'failure'), once(dropping, 'failure')]);
    await node.stop({ mode: 'graceful-restart', message: 'back soon' });
    const [[silent], [told]] = (await ends) as [[{ notification?: string }], [{ notification?: string; text: string }]];
    expect(silent.notification).toBeUndefined();
    expect(told.notification).toContain('Administrative Reset');
    expect(told.text).toContain('back soon');
  });

  it('says AdminDown when the peers have seen the ends of their sessions', async () => {
    const { router, options } = await pair();
    let seen: string | undefined;
    const close = async () => {
      seen = router.peerStatus('node').state;
    };
    const node = make({ asn: 65002, routerId: '192.0.2.2', bfd: { set: () => {}, remove: () => {}, close } });
    node.addPeer({ ...options, bfd: {}, gracefulRestart: { restartTime: 20 } });
    await state(router, 'node', 'Established');
    await node.stop({ mode: 'graceful-restart' });
    expect(seen).toBeDefined();
    expect(seen).not.toBe('Established');
  });

  it('marks routes for graceful shutdown towards some peers only', async () => {
    const { node, options } = await pair();
    const { port } = await pair();
    node.announce({ prefix: '198.51.100.1/32' });
    node.addPeer(options);
    node.addPeer({ ...options, name: 'other', port });
    await Promise.all([state(node, 'router', 'Established'), state(node, 'other', 'Established')]);
    const updates = () => ['router', 'other'].map(name => node.peerStatus(name).counters.updatesSent);
    await new Promise(resolve => setTimeout(resolve, 50));
    const [first = 0, second = 0] = updates();
    node.setGracefulShutdown(true, { peers: ['other'] });
    await eventually(() => node.peerStatus('other').counters.updatesSent === second + 1);
    node.setGracefulShutdown(true);
    await eventually(() => node.peerStatus('router').counters.updatesSent === first + 1);
    expect(updates()).toEqual([first + 1, second + 1]);
    node.setGracefulShutdown(false);
    await eventually(() => updates().join() === `${first + 2},${second + 2}`);
  });

  it('names no families without multiprotocol extensions', async () => {
    const { node, router, options } = await pair({ multiprotocol: false, families: ['ipv4-unicast'] });
    node.addPeer(options);
    await state(router, 'node', 'Established');
    expect(router.peerStatus('node')).toMatchObject({
      families: ['ipv4-unicast'],
      capabilities: expect.not.arrayContaining([1]) as number[],
    });
  });

  it('leaves no socket and no timer behind', async () => {
    const { router, node, options } = await pair();
    node.addPeer(options);
    await state(node, 'router', 'Established');
    await Promise.all([node.stop({ mode: 'graceful-restart' }), router.stop()]);
    const left = process.getActiveResourcesInfo().filter(name => name.startsWith('TCP'));
    expect(left).toEqual([]);
  });
});

describe('options that cannot be', () => {
  const peer = { address: '192.0.2.9', remoteAs: 65009 } as const;
  it.each([
    { desc: 'AS 0', options: { ...peer, remoteAs: 0 }, code: 'BGP_BAD_OPTION' },
    { desc: 'AS_TRANS', options: { ...peer, remoteAs: 23456 }, code: 'BGP_BAD_OPTION' },
    { desc: 'no address and no interface', options: { remoteAs: 65009 }, code: 'BGP_BAD_OPTION' },
    { desc: 'a name in place of an address', options: { ...peer, address: 'router' }, code: 'BGP_BAD_ADDRESS' },
    { desc: 'a link-local address without its interface', options: { ...peer, address: 'fe80::1' }, code: 'BGP_BAD_OPTION' },
    { desc: 'a hold time of 2 s', options: { ...peer, holdTime: 2 }, code: 'BGP_BAD_OPTION' },
    { desc: 'a password that is too long', options: { ...peer, password: 'x'.repeat(81) }, code: 'BGP_BAD_OPTION' },
    {
      desc: 'TCP MD5 and TCP-AO at once',
      options: { ...peer, password: 'x', tcpAo: AO },
      code: 'BGP_BAD_OPTION',
    },
    { desc: 'a TCP-AO key ID of 256', options: { ...peer, tcpAo: { ...AO, sendId: 256 } }, code: 'BGP_BAD_OPTION' },
    { desc: 'an empty TCP-AO key', options: { ...peer, tcpAo: { ...AO, key: '' } }, code: 'BGP_BAD_OPTION' },
    { desc: 'gtsm over several hops and multihop', options: { ...peer, gtsm: true, multihop: true }, code: 'BGP_BAD_OPTION' },
    { desc: 'a restart time beyond 12 bits', options: { ...peer, gracefulRestart: { restartTime: 4096 } }, code: 'BGP_BAD_OPTION' },
    { desc: 'a loopback next hop', options: { ...peer, nextHop: { ipv4: '127.0.0.1' } }, code: 'BGP_BAD_OPTION' },
    { desc: 'IPv6 without multiprotocol', options: { ...peer, multiprotocol: false }, code: 'BGP_BAD_OPTION' },
    { desc: 'BFD every millisecond', options: { ...peer, bfd: { transmitInterval: 1 } }, code: 'BGP_BAD_OPTION' },
    { desc: 'BFD echoes every millisecond', options: { ...peer, bfd: { echoInterval: 1 } }, code: 'BGP_BAD_OPTION' },
    { desc: 'the same router twice', options: { ...peer, name: 'again', address: '192.0.2.8' }, code: 'BGP_DUPLICATE_PEER' },
  ])('$desc', ({ options, code }) => {
    const speaker = make();
    speaker.addPeer({ name: 'first', address: '192.0.2.8', remoteAs: 65008, passive: true });
    expect(() => speaker.addPeer(options)).toThrow(expect.objectContaining({ code }));
    expect(speaker.peers).toEqual(['first']);
  });

  it('is clear about names', () => {
    const speaker = make();
    expect(() => speaker.removePeer('nobody')).toThrow('no peer is named "nobody"; there are: none');
  });
});
