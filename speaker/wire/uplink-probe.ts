import type { Mac } from '../layer2/ethernet.ts';
import { familyOf } from '../layer2/octets.ts';
import type { MeshState } from '../mesh/state.ts';
import { noteUplink } from '../mesh/uplink.ts';
import type { Device } from './devices.ts';
import { uplinkFrame } from './frames.ts';

/** Between two requests to a gateway whose MAC is not known: they are broadcasts (ms). */
const UNRESOLVED = 1_000;
/** Askers that are asked back where there is no gateway. */
const WITNESSES = 4;

interface Neighbour {
  mac: Mac | undefined;
  askedAt: number;
}

/**
 * Finds out whether packets pass between this node and others: by asking the gateways of the segment for their address. Where there
 * is none, recent askers and the other nodes' kernels are witnesses, asked only once all peers fall silent at the same time.
 */
export class UplinkProbe {
  readonly #send: (frame: Buffer) => void;
  readonly #gateways = new Map<string, Neighbour>();
  readonly #witnesses = new Map<string, Neighbour>();
  #asking = false;
  #peersAskedAt = Number.NEGATIVE_INFINITY;

  constructor(send: (frame: Buffer) => void) {
    this.#send = send;
  }

  setGateways(gateways: readonly string[]): void {
    for (const ip of this.#gateways.keys()) if (!gateways.includes(ip)) this.#gateways.delete(ip);
    for (const ip of gateways) if (!this.#gateways.has(ip)) this.#gateways.set(ip, { mac: undefined, askedAt: Number.NEGATIVE_INFINITY });
  }

  get gateways(): { ip: string; mac: Mac | undefined }[] {
    return [...this.#gateways].map(([ip, { mac }]) => ({ ip, mac }));
  }

  /** An asker is somebody beyond the speakers. */
  noteWitness(ip: string, mac: Mac): void {
    this.#witnesses.delete(ip);
    this.#witnesses.set(ip, { mac, askedAt: Number.NEGATIVE_INFINITY });
    const oldest = this.#witnesses.keys().next();
    if (this.#witnesses.size > WITNESSES && oldest.done !== true) this.#witnesses.delete(oldest.value);
  }

  /** An answer to one of ours. */
  replied(state: MeshState, neighbour: string, mac: Mac, now: number): void {
    const gateway = this.#gateways.get(neighbour);
    if (gateway !== undefined) gateway.mac = mac;
    if (gateway !== undefined || this.#asking) noteUplink(state, now);
  }

  /** Any frame proves reception, which is all there is to go by where no gateway is. */
  heard(state: MeshState, now: number): void {
    if (this.#asking) noteUplink(state, now);
  }

  /** One question to the kernel of another node. */
  ask(address: string, mac: Mac | undefined, device: Device): void {
    this.#ask(address, { mac, askedAt: Number.NEGATIVE_INFINITY }, device, 0, 0);
  }

  /** Sends what is due; call it before every tick of the mesh. */
  tick(state: MeshState, device: Device, now: number): void {
    state.uplink.expected = this.#gateways.size > 0;
    if (state.uplink.expected) {
      this.#asking = false;
      for (const [ip, neighbour] of this.#gateways) {
        this.#ask(ip, neighbour, device, now, neighbour.mac === undefined ? UNRESOLVED : state.timers.interval / 2);
      }
      return;
    }
    const asking = silence(state, now) && (this.#witnesses.size > 0 || state.peers.size > 1);
    if (!asking) {
      // The carrier has to do, as long as somebody is heard or there is nobody to ask.
      state.uplink.probed = false;
      state.uplink.seenAt = now;
    } else {
      state.uplink.probed = true;
      for (const [ip, neighbour] of this.#witnesses) this.#ask(ip, neighbour, device, now, state.timers.interval / 2);
      this.#askPeers(state, device, now);
    }
    this.#asking = asking;
  }

  /** A host whose speaker is silent may still have a kernel that answers. */
  #askPeers(state: MeshState, device: Device, now: number): void {
    if (now - this.#peersAskedAt < state.timers.interval / 2) return;
    this.#peersAskedAt = now;
    for (const peer of state.peers.values()) {
      this.#ask(peer.address, { mac: peer.macs[0], askedAt: Number.NEGATIVE_INFINITY }, device, now, 0);
    }
  }

  #ask(ip: string, neighbour: Neighbour, device: Device, now: number, every: number): void {
    if (now - neighbour.askedAt < every) return;
    const own = ownAddress(device, ip);
    if (own === undefined) return;
    neighbour.askedAt = now;
    this.#send(uplinkFrame(own, device.mac, { ip: ip.replace(/%.*$/, ''), mac: neighbour.mac }));
  }
}

/** Every peer has been silent for longer than a beacon and its jitter take. */
function silence(state: MeshState, now: number): boolean {
  if (state.peers.size === 0) return false;
  for (const peer of state.peers.values()) if (!peer.left && now - peer.lastHeard < 1.5 * state.timers.interval) return false;
  return true;
}

/** The node's own address to ask from: of the same family and, for link-local ones, of the same scope. */
function ownAddress(device: Device, neighbour: string): string | undefined {
  const family = familyOf(neighbour);
  const linkLocal = neighbour.startsWith('fe80:');
  const own = device.addresses.filter(({ address }) => familyOf(address) === family);
  return (own.find(address => address.linkLocal === (family === 6 && linkLocal)) ?? own[0])?.address;
}
