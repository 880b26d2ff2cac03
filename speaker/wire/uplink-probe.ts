import type { Mac } from '../layer2/ethernet.ts';
import { familyOf } from '../layer2/octets.ts';
import type { MeshState } from '../mesh/state.ts';
import { detection } from '../mesh/timers.ts';
import { noteUplink, searchInterval } from '../mesh/uplink.ts';
import type { Device } from './devices.ts';
import { uplinkFrame } from './frames.ts';

/** Askers that are asked back where there is no gateway. */
const WITNESSES = 4;

interface Neighbour {
  mac: Mac | undefined;
  askedAt: number;
}

interface Gateway extends Neighbour {
  broadcastAt: number;
  /** The first question since its last answer; undefined: it has answered what was asked. */
  waitingSince: number | undefined;
}

/**
 * Finds out whether packets pass between this node and others: by asking the gateways of the segment for their address. Where there
 * is none, recent askers and the other nodes' kernels are witnesses, asked only once all peers fall silent at the same time.
 */
export class UplinkProbe {
  readonly #send: (frame: Buffer) => void;
  readonly #gateways = new Map<string, Gateway>();
  readonly #witnesses = new Map<string, Neighbour>();
  #asking = false;
  #peersAskedAt = Number.NEGATIVE_INFINITY;

  constructor(send: (frame: Buffer) => void) {
    this.#send = send;
  }

  setGateways(gateways: readonly string[]): void {
    for (const ip of this.#gateways.keys()) if (!gateways.includes(ip)) this.#gateways.delete(ip);
    for (const ip of gateways) if (!this.#gateways.has(ip)) this.#gateways.set(ip, unknownGateway());
  }

  /** The MAC is that of the last answer; undefined where there was none, or where the gateway has fallen silent since. */
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
    if (gateway !== undefined) {
      gateway.mac = mac;
      gateway.waitingSince = undefined;
    }
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
      for (const [ip, gateway] of this.#gateways) this.#askGateway(ip, gateway, device, state, now);
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

  /**
   * The known MAC is asked, and when its answers stop everybody as well: a gateway that was replaced, or whose address moved to another
   * router, answers before anybody counts as cut off. Once that has failed for the detection time, the broadcasts become few, until others have found it.
   */
  #askGateway(ip: string, gateway: Gateway, device: Device, state: MeshState, now: number): void {
    const { timers } = state;
    const silence = gateway.waitingSince === undefined ? 0 : now - gateway.waitingSince;
    // Its MAC is no longer believed; should it come back with the same one, it hears the broadcasts, too.
    if (silence >= 2 * detection(timers)) gateway.mac = undefined;
    if (gateway.mac !== undefined) {
      if (this.#ask(ip, gateway, device, now, timers.interval / 2)) gateway.waitingSince ??= now;
      // Two answers are missing: there is still time before the uplink counts as unproven.
      if (silence < timers.interval) return;
    }
    const broadcast = { mac: undefined, askedAt: gateway.broadcastAt };
    if (!this.#ask(ip, broadcast, device, now, gateway.mac === undefined ? searchInterval(state, now) : timers.interval / 2)) return;
    gateway.broadcastAt = now;
    gateway.waitingSince ??= now;
  }

  /** A host whose speaker is silent may still have a kernel that answers. */
  #askPeers(state: MeshState, device: Device, now: number): void {
    if (now - this.#peersAskedAt < state.timers.interval / 2) return;
    this.#peersAskedAt = now;
    for (const peer of state.peers.values()) {
      this.#ask(peer.address, { mac: peer.macs[0], askedAt: Number.NEGATIVE_INFINITY }, device, now, 0);
    }
  }

  /** Whether a question was due and could be asked. */
  #ask(ip: string, neighbour: Neighbour, device: Device, now: number, every: number): boolean {
    if (now - neighbour.askedAt < every) return false;
    const own = ownAddress(device, ip);
    if (own === undefined) return false;
    neighbour.askedAt = now;
    this.#send(uplinkFrame(own, device.mac, { ip: ip.replace(/%.*$/, ''), mac: neighbour.mac }));
    return true;
  }
}

function unknownGateway(): Gateway {
  return { mac: undefined, askedAt: Number.NEGATIVE_INFINITY, broadcastAt: Number.NEGATIVE_INFINITY, waitingSince: undefined };
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
