/** Leaves in three steps that lose no packet: ask routers to prefer others, withdraw, say goodbye. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Speaker } from 'bgp-speaker-lite';

const router = new Speaker({ asn: 64500, routerId: '192.0.2.1' });
const port = await router.listen({ port: 0, addresses: ['127.0.0.1'] });
router.addPeer({ name: 'node-1', address: '127.0.0.1', remoteAs: 64501, passive: true });
router.on('failure', ({ text }) => console.log(`the router hears: ${text}`));

const speaker = new Speaker({ asn: 64501, routerId: '192.0.2.2' });
speaker.addPeer({
  name: 'router',
  address: '127.0.0.1',
  port,
  remoteAs: 64500,
  nextHop: { ipv4: '192.0.2.2' },
  families: ['ipv4-unicast'],
});
speaker.announce({ prefix: '198.51.100.10/32' });
await once(speaker, 'synchronized');

// 1. GRACEFUL_SHUTDOWN (RFC 8326): the routes still work, but every other path is preferred from now on.
speaker.setGracefulShutdown(true);
await sleep(100);
// 2. Nobody sends here any more: the routes can go.
speaker.replaceRoutes([]);
await sleep(100);
console.log('withdrawn:', speaker.peerStatus('router').counters.routesWithdrawn);
// 3. The reason is shown by the router.
await speaker.stop({ mode: 'cease', message: 'node-1 is being drained' });
await sleep(50);
await router.stop();
