import type { Announcement, AnnouncementDraining, AnnouncementOwner, Speaker } from '@herald/crds';
import type { ClusterView, NodeObject } from './cluster-view.ts';

interface AddressInput {
  ip: string;
  nodes?: string[];
  /** `null`: on every node that an advertisement selects. */
  bgp?: string[] | null;
}

export function owner(ip: string, node: string, draining?: AnnouncementDraining): AnnouncementOwner {
  return {
    ip,
    segment: '192.0.2.0/24',
    node,
    interface: 'eth0',
    mac: '02:00:00:00:00:01',
    since: '2026-11-21T10:00:00Z',
    epoch: 1,
    ...(draining && { draining }),
  };
}

export function announcement(name: string, addresses: readonly AddressInput[], owners: readonly AnnouncementOwner[] = []): Announcement {
  return {
    apiVersion: 'heraldlb.io/v1beta1',
    kind: 'Announcement',
    metadata: { namespace: 'shop', name },
    spec: {
      addresses: addresses.map(({ ip, nodes, bgp }) => ({
        ip,
        pool: 'lan',
        ...(nodes && { layer2: { nodes, interfaces: [] } }),
        ...(bgp !== undefined && { bgp: { advertisements: ['default'], ...(bgp && { nodes: bgp }) } }),
      })),
    },
    status: { owners: [...owners] },
  };
}

/** @param routes that it announces to its one peer */
export function speaker(name: string, peersHeard: string[], routes?: number): Speaker {
  return {
    apiVersion: 'heraldlb.io/v1beta1',
    kind: 'Speaker',
    metadata: { name },
    status: {
      segments: [{ interface: 'eth0', segment: '192.0.2.0/24', carrier: true, fit: true, peersHeard }],
      ...(routes !== undefined && { sessions: [{ peer: 'router', state: 'Established', routesAnnounced: routes }] }),
    },
  };
}

export function node(name: string, change: { drain?: string; ready?: string } = {}): NodeObject {
  const { drain, ready = 'True' } = change;
  return {
    metadata: { name, ...(drain !== undefined && { annotations: { 'heraldlb.io/drain': drain } }) },
    status: { conditions: [{ type: 'Ready', status: ready }] },
  };
}

/** Three nodes that hear each other, unless told. */
export function view(announcements: readonly Announcement[], change: Partial<ClusterView> = {}): ClusterView {
  const names = ['n1', 'n2', 'n3'];
  return {
    announcements,
    nodes: names.map(name => node(name)),
    speakers: names.map(name =>
      speaker(
        name,
        names.filter(other => other !== name),
      ),
    ),
    ...change,
  };
}
