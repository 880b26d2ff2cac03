import { createRegistry } from '@herald/process';
import type { PeerStatus } from 'bgp-speaker-lite';
import { expect, it } from 'vitest';
import type { BGPSession, NodeBGP } from './bgp.ts';
import { registerBGPMetrics } from './metrics.ts';

const status = {
  name: 'tor',
  state: 'Established',
  since: 1_700_000_000_500,
  gracefulRestart: true,
  announced: { 'ipv4-unicast': 2, 'ipv6-unicast': 1 },
  bfd: { state: 'Up', remoteState: 'Up', diagnostic: undefined, transmitInterval: 300, detectionTime: 900 },
  counters: {
    messagesSent: 9,
    messagesReceived: 8,
    updatesSent: 3,
    updatesReceived: 1,
    octetsSent: 300,
    octetsReceived: 200,
    routesAnnounced: 4,
    routesWithdrawn: 1,
    prefixesReceived: 7,
    prefixesWithdrawn: 0,
    refreshesReceived: 1,
    sessionsEstablished: 2,
    sessionsLost: 1,
    bfdDowns: 1,
    notificationsSent: { '6/2': 1 },
    notificationsReceived: { '4/0': 2 },
    malformed: { discard: 5 },
  },
} as unknown as PeerStatus;
const sessions: BGPSession[] = [
  { peer: 'tor', status, problems: ['one'] },
  { peer: 'waits', status: undefined, problems: ['no Secret'] },
];

it('shows every figure of each peer', async () => {
  const registry = createRegistry({ component: 'speaker', version: 'test' });
  registerBGPMetrics(registry, { sessions: () => sessions } as unknown as NodeBGP);
  const lines = (await registry.metrics()).split('\n').filter(line => /^herald_(bgp|bfd)/.test(line));
  expect(lines.toSorted()).toEqual(
    [
      'herald_bfd_detection_seconds{peer="tor"} 0.9',
      'herald_bfd_downs_total{peer="tor"} 1',
      'herald_bfd_session_up{peer="tor"} 1',
      'herald_bgp_announced_prefixes{peer="tor"} 3',
      'herald_bgp_announced_prefixes{peer="waits"} 0',
      'herald_bgp_graceful_restart{peer="tor"} 1',
      'herald_bgp_malformed_updates_total{peer="tor",handling="discard"} 5',
      'herald_bgp_messages_received_total{peer="tor"} 8',
      'herald_bgp_messages_sent_total{peer="tor"} 9',
      'herald_bgp_notifications_total{peer="tor",direction="received",code="4/0"} 2',
      'herald_bgp_notifications_total{peer="tor",direction="sent",code="6/2"} 1',
      'herald_bgp_octets_received_total{peer="tor"} 200',
      'herald_bgp_octets_sent_total{peer="tor"} 300',
      'herald_bgp_peer_problems{peer="tor"} 1',
      'herald_bgp_peer_problems{peer="waits"} 1',
      'herald_bgp_prefixes_received_total{peer="tor"} 7',
      'herald_bgp_refreshes_received_total{peer="tor"} 1',
      'herald_bgp_routes_announced_total{peer="tor"} 4',
      'herald_bgp_routes_withdrawn_total{peer="tor"} 1',
      'herald_bgp_session_since_seconds{peer="tor"} 1700000000.5',
      'herald_bgp_session_state{peer="tor",state="Established"} 1',
      'herald_bgp_session_state{peer="waits",state="Idle"} 1',
      'herald_bgp_session_up{peer="tor"} 1',
      'herald_bgp_session_up{peer="waits"} 0',
      'herald_bgp_sessions_established_total{peer="tor"} 2',
      'herald_bgp_sessions_lost_total{peer="tor"} 1',
      'herald_bgp_updates_received_total{peer="tor"} 1',
      'herald_bgp_updates_sent_total{peer="tor"} 3',
    ].toSorted(),
  );
});
