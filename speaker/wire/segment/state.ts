import { type PollLoop, RawSocketError } from 'raw-socket';
import type { Mac } from '../../layer2/ethernet.ts';
import { type Keyring, nodeIdOf } from '../../mesh/authentication.ts';
import type { NodeId } from '../../mesh/packet.ts';
import { createMesh, type MeshState, type Peer } from '../../mesh/state.ts';
import type { MeshTimers } from '../../mesh/timers.ts';
import type { Device } from '../devices.ts';
import type { Kernel } from '../kernel-answers.ts';
import type { WireEvent } from '../messages.ts';
import type { Responder } from '../responder.ts';

/** What the segments of this process share. */
export interface SegmentContext {
  loop: PollLoop;
  node: string;
  /** Another random number at every call: each mesh is a session of its own to its peers. */
  nonce: () => bigint;
  timers: MeshTimers;
  port: number;
  random: () => number;
  /** ms since the epoch. */
  wall: () => number;
  keyring: () => Keyring;
  /** Undefined where eBPF is not permitted, or not wanted. */
  kernel: Kernel | undefined;
  caretaker: boolean;
  post: (event: WireEvent) => void;
  /** Another node hears this one and is heard, where just now none was. */
  onHeard: () => void;
}

/** What the parts of one segment share: each reads it all, and changes only what is said here. */
export interface SegmentState {
  readonly context: SegmentContext;
  /** The same on all nodes. */
  readonly name: string;
  /** Changed by the functions of the mesh only. */
  readonly mesh: MeshState;
  /** Replaced by the segment when link, MAC or addresses of the interface change. */
  device: Device;
  /** Replaced by `Answering`; undefined where no socket for ARP and NDP could be opened. */
  responder: Responder | undefined;
  /** MACs of this node and of its peers, replaced by the segment at every tick. */
  ours: ReadonlySet<Mac>;
}

export function createSegmentState(device: Device, context: SegmentContext): SegmentState {
  const { loop, timers, random, nonce, node, caretaker } = context;
  const newestKey = context.keyring().keys[0]?.id ?? 0;
  const identity = { me: nodeIdOf(node), name: node, nonce: nonce() };
  const mesh = createMesh({ ...identity, timers, random, macs: [device.mac], newestKey, caretaker }, loop.now());
  return { context, name: device.segment, mesh, device, responder: undefined, ours: new Set() };
}

/** Names a node to people: by its id as long as its name is not known. */
export function nameOf({ mesh }: SegmentState, id: NodeId): string {
  const name = mesh.peers.get(id)?.name;
  return name === undefined || name === '' ? id : name;
}

/** The peer whose interface has that MAC. */
export function peerWith({ mesh }: SegmentState, mac: Mac): Peer | undefined {
  return [...mesh.peers.values()].find(peer => peer.macs.includes(mac));
}

/** Runs what the kernel may refuse, above all on an interface that is about to go: that is told, and the segment works on without it. */
export function guard(state: SegmentState, about: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof RawSocketError)) throw error;
    tellProblem(state, about, error);
  }
}

export function tellProblem({ context, device }: SegmentState, about: string, error: RawSocketError): void {
  context.post({ kind: 'problem', about: `${about} on ${device.name}`, message: error.message });
}
