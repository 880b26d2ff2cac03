/** How fast speakers notice each other's silence. All in ms unless said. */
export interface MeshTimers {
  /** T: between two beacons to each member of the fast set, ± 10 %. */
  interval: number;
  /** K: beacons that may be lost before a peer is gone. Detection D = T × K. */
  multiplier: number;
  /** Between two multicast beacons of a node that holds or may hold addresses. */
  slowInterval: number;
  /** The same for all others. */
  idleInterval: number;
  /** Members of the fast set, this node included. */
  fastSet: number;
}

const SLOW = { slowInterval: 1_000, idleInterval: 5_000, fastSet: 32 };

/** Named sets of timers: detection within 200, 400 and 1,200 ms. */
export const MESH_PROFILES = {
  aggressive: { interval: 50, multiplier: 4, ...SLOW },
  default: { interval: 100, multiplier: 4, ...SLOW },
  relaxed: { interval: 300, multiplier: 4, ...SLOW },
} as const satisfies Record<string, MeshTimers>;

/** Slow beacons that may be lost before a peer is gone. */
export const SLOW_MULTIPLIER = 3;

export type MeshProfile = keyof typeof MESH_PROFILES;

/** D: silence after which a peer is gone. */
export function detection(timers: MeshTimers): number {
  return timers.interval * timers.multiplier;
}

/** How long a node that doubts itself (just started, stalled, cut off) listens before it takes anything. */
export function listening(timers: MeshTimers): number {
  return detection(timers) + 2 * timers.interval;
}
