import type { MeshState } from '../../mesh/state.ts';
import { detection } from '../../mesh/timers.ts';
import type { SegmentReport } from '../messages.ts';
import type { SegmentState } from './state.ts';

/** What a report holds that is counted outside the state. */
export interface Counted {
  peersAnswering: readonly string[];
  gatewaysUnconfirmed: SegmentReport['gatewaysUnconfirmed'];
  /** Datagrams that were no valid packet of the mesh. */
  rejected: number;
  /** Datagrams that could not be sent. */
  unsent: number;
}

/** What is known of a segment. Takes the answers counted since the last report. */
export function reportOf(state: SegmentState, { peersAnswering, gatewaysUnconfirmed, rejected, unsent }: Counted): SegmentReport {
  const { name, device, mesh, responder, context } = state;
  const { counters } = mesh;
  const now = context.loop.now();
  const unfit = unfitReason(state, now);
  return {
    interface: device.name,
    segment: name,
    mac: device.mac,
    addresses: device.addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
    carrier: device.carrier,
    fit: unfit === undefined,
    ...(unfit !== undefined && { unfitReason: unfit }),
    peersHeard: [...mesh.peers.values()].filter(peer => peer.liveness === 'two-way').map(peer => peer.name),
    peersAnswering,
    gatewaysUnconfirmed,
    listening: now < mesh.listenUntil,
    stalls: counters.stalls,
    beaconsLost: counters.beaconsLost,
    peersLost: counters.peersLost,
    duplicates: counters.duplicates,
    replays: counters.replays,
    rejected,
    sendErrors: unsent + (responder?.errors ?? 0),
    responder: responder?.kind ?? 'none',
    pinned: mesh.persistent,
    held: heldClaims(mesh),
    restoring: dormantClaims(mesh),
    answers: responder?.takeAnswers() ?? [],
  };
}

/** Why this node should announce nothing here; undefined when it may. */
function unfitReason({ device, mesh, responder }: SegmentState, now: number): string | undefined {
  if (responder === undefined) return 'no socket for ARP and NDP could be opened';
  if (!device.carrier) return 'the link is down';
  // Before that, those who are heard have not had the time to answer.
  if (mesh.unheardSince !== undefined && now - mesh.unheardSince >= detection(mesh.timers)) return 'no peer hears this node';
  if (mesh.uplink.probed && now - mesh.uplink.seenAt > detection(mesh.timers)) return 'neither the gateway nor any other host answers';
  return undefined;
}

/** Claims of speakers that are away while their kernels go on. */
function heldClaims(mesh: MeshState): number {
  let held = 0;
  for (const peer of mesh.peers.values()) if (peer.liveness === 'held') held += peer.claims.size;
  return held;
}

function dormantClaims(mesh: MeshState): number {
  let dormant = 0;
  for (const claim of mesh.mine.values()) if (claim.dormant) dormant += 1;
  return dormant;
}
