import type { Environment } from '../environment.ts';
import { addressText, addressValue, type Cidr, contains, type Family, familyOf, parseCidr } from './ip.ts';

/** Where Services' addresses and ports come from. */
export interface ServiceNetworkOptions {
  /** One block, or one of each family; the first one's family is the default. */
  serviceCidrs: readonly string[];
  /** First and last node port. */
  nodePorts: readonly [number, number];
}

export const DEFAULT_NETWORK: ServiceNetworkOptions = { serviceCidrs: ['10.96.0.0/16'], nodePorts: [30000, 32767] };

/** Above this size a block is cut: nobody needs more, and numbers stay small. */
const MAX_BLOCK = 1n << 64n;

/** The addresses and ports that are taken. Taking the next free one costs the same however many are. */
export class ServiceNetwork {
  readonly cidrs: readonly Cidr[];
  readonly nodePorts: readonly [number, number];
  readonly #taken = new Set<string>();
  readonly #ports = new Set<number>();
  readonly #cursor = new Map<Family, bigint>();
  #nextPort: number;

  constructor(options: Partial<ServiceNetworkOptions>, environment: Environment) {
    const { serviceCidrs, nodePorts } = { ...DEFAULT_NETWORK, ...options };
    this.cidrs = serviceCidrs.map(text => {
      const cidr = parseCidr(text.trim());
      if (cidr === undefined) throw new RangeError(`${JSON.stringify(text)} is no CIDR; give Service ranges like 10.96.0.0/16`);
      return cidr.size > MAX_BLOCK ? { ...cidr, size: MAX_BLOCK } : cidr;
    });
    const families = new Set(this.cidrs.map(cidr => cidr.family));
    if (this.cidrs.length === 0 || families.size !== this.cidrs.length) {
      throw new RangeError(`Service ranges must be one block, or one of each family, not ${serviceCidrs.join(',')}`);
    }
    const [first, last] = nodePorts;
    if (!Number.isInteger(first) || !Number.isInteger(last) || first < 1 || last > 65535 || first > last) {
      throw new RangeError(`node ports must be a range within 1-65535, not ${first}-${last}`);
    }
    this.nodePorts = nodePorts;
    this.#nextPort = first + environment.random(last - first + 1);
  }

  /** The families that Services can have, the default one first. */
  get families(): Family[] {
    return this.cidrs.map(cidr => cidr.family);
  }

  /** The address of the `kubernetes` Service. */
  first(): string {
    const [cidr] = this.cidrs;
    if (cidr === undefined) throw new Error('there is no Service range');
    return addressText(cidr.first + 1n, cidr.family);
  }

  block(family: Family): Cidr | undefined {
    return this.cidrs.find(cidr => cidr.family === family);
  }

  /** Whether a named address can be taken: `range` and `taken` are why not. */
  take(address: string): 'ok' | 'range' | 'taken' {
    const family = familyOf(address);
    const block = family === undefined ? undefined : this.block(family);
    if (family === undefined || block === undefined) return 'range';
    const value = addressValue(address);
    // The network's own address and, for IPv4, the broadcast address are never given out.
    const last = block.first + block.size - 1n;
    if (!contains(block, value) || value === block.first || (family === 'IPv4' && value === last)) return 'range';
    const key = addressText(value, family);
    if (this.#taken.has(key)) return 'taken';
    this.#taken.add(key);
    return 'ok';
  }

  /** The next free address of a family; undefined when there is none left. */
  takeNext(family: Family): string | undefined {
    const block = this.block(family);
    if (block === undefined) return undefined;
    // Like the real allocator, keep the low addresses for those who ask for them by name.
    const reserved = block.size / 16n < 16n ? 16n : block.size / 16n > 256n ? 256n : block.size / 16n;
    const usable = block.size - (family === 'IPv4' ? 2n : 1n);
    if (usable <= 0n) return undefined;
    const start = this.#cursor.get(family) ?? (usable > reserved ? reserved : 0n);
    const tries = usable < BigInt(this.#taken.size + 1) ? usable : BigInt(this.#taken.size + 1);
    for (let step = 0n; step < tries; step++) {
      const offset = (start + step) % usable;
      const address = addressText(block.first + 1n + offset, family);
      if (this.#taken.has(address)) continue;
      this.#taken.add(address);
      this.#cursor.set(family, (offset + 1n) % usable);
      return address;
    }
    return undefined;
  }

  release(address: string): void {
    const family = familyOf(address);
    if (family !== undefined) this.#taken.delete(addressText(addressValue(address), family));
  }

  /** Takes a named port. */
  takePort(port: number): 'ok' | 'range' | 'taken' {
    const [first, last] = this.nodePorts;
    if (port < first || port > last) return 'range';
    if (this.#ports.has(port)) return 'taken';
    this.#ports.add(port);
    return 'ok';
  }

  /** A free port; undefined when there is none left. */
  takeNextPort(): number | undefined {
    const [first, last] = this.nodePorts;
    const count = last - first + 1;
    if (this.#ports.size >= count) return undefined;
    const start = this.#nextPort - first;
    for (let step = 0; step < count; step++) {
      const port = first + ((start + step) % count);
      if (this.#ports.has(port)) continue;
      this.#ports.add(port);
      this.#nextPort = port + 1 > last ? first : port + 1;
      return port;
    }
    return undefined;
  }

  releasePort(port: number): void {
    this.#ports.delete(port);
  }
}
