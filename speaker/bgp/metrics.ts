import { Counter, Gauge, type Registry } from '@herald/process';
import type { PeerCounters } from 'bgp-speaker-lite';
import { announcedPrefixes, type NodeBGP } from './bgp.ts';

/** Counters of a peer that are shown as they are. */
const COUNTERS: readonly [name: string, help: string, read: (counters: PeerCounters) => number][] = [
  ['herald_bgp_updates_sent_total', 'UPDATE messages sent.', counters => counters.updatesSent],
  [
    'herald_bgp_updates_received_total',
    'UPDATE messages received; their routes are counted and dropped.',
    counters => counters.updatesReceived,
  ],
  ['herald_bgp_routes_announced_total', 'Routes announced, also again with other attributes.', counters => counters.routesAnnounced],
  ['herald_bgp_routes_withdrawn_total', 'Routes withdrawn.', counters => counters.routesWithdrawn],
  ['herald_bgp_messages_sent_total', 'Messages of all types sent.', counters => counters.messagesSent],
  ['herald_bgp_messages_received_total', 'Messages of all types received.', counters => counters.messagesReceived],
  ['herald_bgp_octets_sent_total', 'Octets of messages sent.', counters => counters.octetsSent],
  ['herald_bgp_octets_received_total', 'Octets of messages received.', counters => counters.octetsReceived],
  ['herald_bgp_prefixes_received_total', 'Prefixes in received UPDATE messages.', counters => counters.prefixesReceived],
  ['herald_bgp_sessions_established_total', 'Times a session came up.', counters => counters.sessionsEstablished],
  ['herald_bgp_sessions_lost_total', 'Times an established session ended.', counters => counters.sessionsLost],
  ['herald_bgp_refreshes_received_total', 'ROUTE-REFRESH messages received.', counters => counters.refreshesReceived],
  ['herald_bfd_downs_total', 'Times the BFD session went down.', counters => counters.bfdDowns],
];

/** Figures of the node's BGP sessions, read when they are asked for. */
export function registerBGPMetrics(registry: Registry, bgp: NodeBGP): void {
  const registers: Registry[] = [];
  const labelNames = ['peer'];
  const gauge = (name: string, help: string, read: (session: ReturnType<NodeBGP['sessions']>[number]) => number | undefined): void => {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          for (const session of bgp.sessions()) {
            const value = read(session);
            if (value !== undefined) this.set({ peer: session.peer }, value);
          }
        },
      }),
    );
  };
  gauge('herald_bgp_session_up', '1 while the session is established.', ({ status }) => Number(status?.state === 'Established'));
  gauge('herald_bgp_announced_prefixes', 'Prefixes announced to the peer.', ({ status }) => announcedPrefixes(status));
  gauge('herald_bgp_peer_problems', 'Things that keep the session or some of its routes away.', ({ problems }) => problems.length);
  gauge('herald_bgp_session_since_seconds', 'When the session came into its state, in seconds since 1970.', ({ status }) =>
    status === undefined ? undefined : status.since / 1000,
  );
  gauge('herald_bgp_graceful_restart', '1 where the peer keeps the routes over a restart of the speaker.', ({ status }) =>
    status?.state === 'Established' ? Number(status.gracefulRestart) : undefined,
  );
  gauge('herald_bfd_session_up', '1 while the BFD session is up; absent without BFD.', ({ status }) =>
    status?.bfd === undefined ? undefined : Number(status.bfd.state === 'Up'),
  );
  gauge(
    'herald_bfd_detection_seconds',
    'After so long without a packet the path counts as broken, as negotiated; absent without BFD.',
    ({ status }) => (status?.bfd === undefined ? undefined : status.bfd.detectionTime / 1000),
  );
  registry.registerMetric(
    new Gauge({
      name: 'herald_bgp_session_state',
      help: '1 for the state that the session is in (RFC 4271 section 8.2.2).',
      labelNames: ['peer', 'state'],
      registers,
      collect() {
        this.reset();
        for (const { peer, status } of bgp.sessions()) this.set({ peer, state: status?.state ?? 'Idle' }, 1);
      },
    }),
  );
  for (const [name, help, read] of COUNTERS) {
    registry.registerMetric(
      new Counter({
        name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          for (const { peer, status } of bgp.sessions()) if (status) this.inc({ peer }, read(status.counters));
        },
      }),
    );
  }
  registry.registerMetric(
    new Counter({
      name: 'herald_bgp_malformed_updates_total',
      help: 'Malformed UPDATE messages that the session survived, by how they were handled (RFC 7606).',
      labelNames: ['peer', 'handling'],
      registers,
      collect() {
        this.reset();
        for (const { peer, status } of bgp.sessions())
          for (const [handling, count] of Object.entries(status?.counters.malformed ?? {})) this.inc({ peer, handling }, count);
      },
    }),
  );
  registry.registerMetric(
    new Counter({
      name: 'herald_bgp_notifications_total',
      help: 'NOTIFICATION messages, by code/subcode and direction.',
      labelNames: ['peer', 'direction', 'code'],
      registers,
      collect() {
        this.reset();
        for (const { peer, status } of bgp.sessions()) {
          for (const [direction, counts] of [
            ['sent', status?.counters.notificationsSent],
            ['received', status?.counters.notificationsReceived],
          ] as const) {
            for (const [code, count] of Object.entries(counts ?? {})) this.inc({ peer, direction, code }, count);
          }
        }
      },
    }),
  );
}
