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
  gauge('herald_bfd_session_up', '1 while the BFD session is up; absent without BFD.', ({ status }) =>
    status?.bfd === undefined ? undefined : Number(status.bfd.state === 'Up'),
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
