/**
 * Announces a route to a router. The "router" here is a second speaker in the same process on a port of its own,
 * so that the example runs anywhere; put your router's address and port 179 in its place.
 */
import { once } from 'node:events';
import { Speaker } from 'bgp-speaker-lite';

const router = new Speaker({ asn: 64500, routerId: '192.0.2.1' });
const port = await router.listen({ port: 0, addresses: ['127.0.0.1'] });
router.addPeer({ name: 'node-1', address: '127.0.0.1', remoteAs: 64501, passive: true });

const speaker = new Speaker({ asn: 64501, routerId: '192.0.2.2', hostname: 'node-1' });
speaker.on('state', ({ peer, state }) => console.log(`${peer}: ${state}`));
speaker.on('failure', ({ peer, text }) => console.log(`${peer}: ${text}`));

// The order does not matter: a new session is told whatever there is to announce.
speaker.announce({ prefix: '198.51.100.10/32', communities: ['64501:100', 'no-export'] });
speaker.announce({ prefix: '2001:db8:10::10/128', med: 50 });
speaker.addPeer({
  name: 'router',
  address: '127.0.0.1',
  port,
  remoteAs: 64500,
  holdTime: 9,
  // On a loopback device neither address is one to forward to; elsewhere leave this out and the interface's own are used.
  nextHop: { ipv4: '192.0.2.2', ipv6: '2001:db8::2' },
});

await once(speaker, 'synchronized');
console.log('announced:', speaker.peerStatus('router').announced);

await speaker.stop({ mode: 'cease', message: 'the example is over' });
await router.stop();
