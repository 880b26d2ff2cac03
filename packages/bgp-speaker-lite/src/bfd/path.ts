import { interfaceIndex, links, type UdpInfo } from 'raw-socket';
import { isLinkLocal, parseAddress, splitZone } from '../codec/address.ts';
import type { BfdSessionSpec } from './spec.ts';

/** Interfaces remembered by a session that is bound to one. */
const MOST_DEVICES = 64;

export function familyOf({ address }: BfdSessionSpec): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** Whether the session of one can go on as the session of the other. */
export function samePath(a: BfdSessionSpec, b: BfdSessionSpec): boolean {
  return pathText(a) === pathText(b);
}

function pathText({ address, sourceAddress, device, multihop, options }: BfdSessionSpec): string {
  return JSON.stringify([address, sourceAddress, device, multihop, options.authentication, options.minimumTtl]);
}

/** What the packets of a session have in common with {@link keyOf}: several sessions have one where they are on several devices. */
export function pathKey({ address, multihop }: BfdSessionSpec): string {
  const { address: plain, zone } = splitZone(address);
  const scope = zone !== undefined && isLinkLocal(parseAddress(plain)) ? `%${interfaceIndex(zone)}` : '';
  return `${multihop ? 'multi' : 'single'}/${plain}${scope}`;
}

export function keyOf(info: UdpInfo, multihop: boolean): string {
  return `${multihop ? 'multi' : 'single'}/${info.address}`;
}

/** The device that a session is bound to, or none: tells by which interfaces its packets may come in. */
export class BoundDevice {
  readonly name: string | undefined;
  readonly #known = new Map<number, boolean>();

  constructor(name: string | undefined) {
    this.name = name;
  }

  /** Whether it is the interface itself, or the VRF that it belongs to. */
  accepts(index: number | undefined): boolean {
    if (this.name === undefined || index === undefined) return true;
    const known = this.#known.get(index);
    if (known !== undefined) return known;
    // An index is not given again soon; whoever makes devices by the hundred is looked up again.
    if (this.#known.size >= MOST_DEVICES) this.#known.clear();
    const all = links();
    const bound = all.find(({ name }) => name === this.name)?.index;
    const belongs = bound !== undefined && (bound === index || all.find(link => link.index === index)?.master === bound);
    if (bound !== undefined) this.#known.set(index, belongs);
    return belongs;
  }
}
