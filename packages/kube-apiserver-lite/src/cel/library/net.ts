import { isIPv4, isIPv6 } from 'node:net';

/** Addresses and prefixes of the Kubernetes CEL library. */

/** An address as bits. */
export class CelIp {
  readonly family: 4 | 6;
  readonly bits: bigint;

  constructor(family: 4 | 6, bits: bigint) {
    this.family = family;
    this.bits = bits;
  }

  /** Parses as Go's netip.ParseAddr, without zones and without IPv4 written as IPv6. */
  static parse(text: string): CelIp | undefined {
    if (isIPv4(text)) return new CelIp(4, BigInt(text.split('.').reduce((n, part) => n * 256 + Number(part), 0)));
    if (!isIPv6(text) || text.includes('%')) return undefined;
    const bits = parse6(text);
    return bits >> 32n === 0xffffn ? undefined : new CelIp(6, bits);
  }

  toString(): string {
    if (this.family === 4) return [24n, 16n, 8n, 0n].map(s => String((this.bits >> s) & 255n)).join('.');
    return format6(this.bits);
  }

  equals(other: CelIp): boolean {
    return this.family === other.family && this.bits === other.bits;
  }

  within(base: bigint, prefix: number): boolean {
    const shift = BigInt((this.family === 4 ? 32 : 128) - prefix);
    return this.bits >> shift === base >> shift;
  }

  get isUnspecified(): boolean {
    return this.bits === 0n;
  }
  get isLoopback(): boolean {
    return this.family === 4 ? this.bits >> 24n === 127n : this.bits === 1n;
  }
  get isLinkLocalMulticast(): boolean {
    return this.family === 4 ? this.bits >> 8n === 0xe00000n : this.bits >> 112n === 0xff02n;
  }
  get isLinkLocalUnicast(): boolean {
    return this.family === 4 ? this.bits >> 16n === 0xa9fen : this.bits >> 118n === 0x3fan;
  }
  get isGlobalUnicast(): boolean {
    const multicast = this.family === 4 ? this.bits >> 28n === 0xen : this.bits >> 120n === 0xffn;
    return (
      !this.isUnspecified && !this.isLoopback && !multicast && !this.isLinkLocalUnicast && !(this.family === 4 && this.bits === 0xffffffffn)
    );
  }
}

const words = (s: string): string[] => (s === '' ? [] : s.split(':'));

function parse6(text: string): bigint {
  let source = text;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(source);
  if (dotted) {
    const v4 = (dotted[2] ?? '').split('.').reduce((n, part) => n * 256 + Number(part), 0);
    source = `${dotted[1]}${Math.floor(v4 / 65536).toString(16)}:${(v4 % 65536).toString(16)}`;
  }
  const [head = '', tail] = source.split('::');
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
  return all.reduce((bits, word) => (bits << 16n) | BigInt(`0x${word}`), 0n);
}

const hex = (list: number[]): string => list.map(w => w.toString(16)).join(':');

/** RFC 5952. */
function format6(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => Number((bits >> BigInt(112 - 16 * i)) & 0xffffn));
  let best = { at: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > best.length) best = { at: i, length: end - i };
    if (end > i) i = end;
  }
  return best.at < 0 ? hex(groups) : `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`;
}

/** An address with a prefix length; host bits are kept. */
export class CelCidr {
  readonly address: CelIp;
  readonly prefix: number;

  constructor(address: CelIp, prefix: number) {
    this.address = address;
    this.prefix = prefix;
  }

  static parse(text: string): CelCidr | undefined {
    const m = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
    const address = m?.[1] === undefined ? undefined : CelIp.parse(m[1]);
    const prefix = Number(m?.[2]);
    return address && prefix <= (address.family === 4 ? 32 : 128) ? new CelCidr(address, prefix) : undefined;
  }

  masked(): CelCidr {
    const shift = BigInt((this.address.family === 4 ? 32 : 128) - this.prefix);
    return new CelCidr(new CelIp(this.address.family, (this.address.bits >> shift) << shift), this.prefix);
  }

  containsIp(ip: CelIp): boolean {
    return ip.family === this.address.family && ip.within(this.address.bits, this.prefix);
  }

  containsCidr(other: CelCidr): boolean {
    return other.prefix >= this.prefix && this.containsIp(other.address);
  }

  toString(): string {
    return `${this.address.toString()}/${this.prefix}`;
  }
}
