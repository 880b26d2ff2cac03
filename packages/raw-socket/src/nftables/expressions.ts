import { attribute } from '../netlink/codec.ts';

/** One step of a rule, encoded as the kernel takes it (linux/netfilter/nf_tables.h). */
export type NftExpression = Buffer;

const NLA_F_NESTED = 0x8000;
/** Registers: the verdict, and two that hold an address each. */
const VERDICT = 0;
const ADDRESS = 1;
const PORT = 2;

export const nested = (type: number, ...parts: readonly Uint8Array[]): Buffer => attribute(type | NLA_F_NESTED, Buffer.concat(parts));
export const word = (type: number, value: number): Buffer => {
  const data = Buffer.alloc(4);
  data.writeInt32BE(value | 0, 0);
  return attribute(type, data);
};
export const string = (type: number, text: string): Buffer => attribute(type, Buffer.from(`${text}\0`));

/** NFTA_EXPR_NAME, NFTA_EXPR_DATA */
const expression = (name: string, ...data: readonly Uint8Array[]): NftExpression => Buffer.concat([string(1, name), nested(2, ...data)]);
/** NFTA_DATA_VALUE */
const value = (type: number, data: Uint8Array): Buffer => nested(type, attribute(1, data));

/** NFTA_META_DREG, NFTA_META_KEY */
const meta = (key: number) => expression('meta', word(1, ADDRESS), word(2, key));
/** NFTA_CMP_SREG, NFTA_CMP_OP (equal), NFTA_CMP_DATA */
const equals = (data: Uint8Array) => expression('cmp', word(1, ADDRESS), word(2, 0), value(3, data));
/** NFTA_PAYLOAD_DREG, _BASE, _OFFSET, _LEN */
const payload = (base: number, offset: number, length: number) =>
  expression('payload', word(1, ADDRESS), word(2, base), word(3, offset), word(4, length));
/** NFTA_BITWISE_SREG, _DREG, _LEN, _MASK, _XOR */
const masked = (mask: Uint8Array) =>
  expression('bitwise', word(1, ADDRESS), word(2, ADDRESS), word(3, mask.length), value(4, mask), value(5, Buffer.alloc(mask.length)));
/** NFTA_IMMEDIATE_DREG, NFTA_IMMEDIATE_DATA */
const immediate = (register: number, data: Uint8Array) => expression('immediate', word(1, register), value(2, data));

const NETWORK_HEADER = 1;
const TRANSPORT_HEADER = 2;
const META_NFPROTO = 15;
const META_L4PROTO = 16;
const CT_STATUS = 2;
const CT_PROTO_DST = 12;
const CT_DST_IP = 20;
const CT_DST_IP6 = 22;
const IPS_DST_NAT = 0x20;
/** NFPROTO_IPV4, NFPROTO_IPV6; AF_INET and AF_INET6 have the same numbers. */
const nfproto = (address: Uint8Array) => (address.length === 4 ? 2 : 10);

const port16 = (port: number): Buffer => {
  const data = Buffer.alloc(2);
  data.writeUInt16BE(port, 0);
  return data;
};

/** `meta nfproto`: packets of the family of this address. */
export const sameFamily = (address: Uint8Array): NftExpression[] => [meta(META_NFPROTO), equals(Buffer.from([nfproto(address)]))];

/** `meta l4proto`: 6 TCP, 17 UDP, 132 SCTP. */
export const protocol = (number: number): NftExpression[] => [meta(META_L4PROTO), equals(Buffer.from([number]))];

/** `ip daddr` or `ip6 daddr`. */
export const destination = (address: Uint8Array): NftExpression[] => [
  ...sameFamily(address),
  address.length === 4 ? payload(NETWORK_HEADER, 16, 4) : payload(NETWORK_HEADER, 24, 16),
  equals(address),
];

/** `ip saddr` or `ip6 saddr` within a prefix. */
export const sourceWithin = (address: Uint8Array, prefixLength: number): NftExpression[] => {
  const mask = Buffer.alloc(address.length);
  for (let bit = 0; bit < prefixLength; bit++) mask.writeUInt8(mask.readUInt8(bit >> 3) | (0x80 >> (bit & 7)), bit >> 3);
  const network = Buffer.from(address.map((byte, index) => byte & mask.readUInt8(index)));
  return [...sameFamily(address), source(address.length), masked(mask), equals(network)];
};

const source = (length: number) => (length === 4 ? payload(NETWORK_HEADER, 12, 4) : payload(NETWORK_HEADER, 8, 16));

/** `th dport`. */
export const destinationPort = (port: number): NftExpression[] => [payload(TRANSPORT_HEADER, 2, 2), equals(port16(port))];

/** `ct original daddr` and `ct original proto-dst`, of a connection whose destination was translated. */
export const translatedFrom = (address: Uint8Array, port: number): NftExpression[] => {
  const bit = Buffer.alloc(4);
  // Registers hold numbers of the kernel as the machine writes them; only what is on the wire is big-endian.
  bit.writeUInt32LE(IPS_DST_NAT, 0);
  const original = attribute(3, Buffer.from([0]));
  return [
    expression('ct', word(1, ADDRESS), word(2, CT_STATUS)),
    masked(bit),
    equals(bit),
    ...sameFamily(address),
    expression('ct', word(1, ADDRESS), word(2, address.length === 4 ? CT_DST_IP : CT_DST_IP6), original),
    equals(address),
    expression('ct', word(1, ADDRESS), word(2, CT_PROTO_DST), original),
    equals(port16(port)),
  ];
};

/** `numgen random mod N 0`: one packet in N. */
export const oneIn = (n: number): NftExpression[] => [
  expression('numgen', word(1, ADDRESS), word(2, n), word(3, 1), word(4, 0)),
  equals(Buffer.alloc(4)),
];

/** `jhash ip saddr mod N`: the clients whose hash is `index`. */
export const clientsOf = (family: 4 | 6, index: number, n: number): NftExpression[] => {
  const length = family === 4 ? 4 : 16;
  const wanted = Buffer.alloc(4);
  wanted.writeUInt32LE(index, 0);
  return [
    source(length),
    // NFTA_HASH_SREG, _DREG, _LEN, _MODULUS, _SEED, _OFFSET, _TYPE (Jenkins)
    expression('hash', word(1, ADDRESS), word(2, ADDRESS), word(3, length), word(4, n), word(5, 0x68657261), word(6, 0), word(7, 0)),
    equals(wanted),
  ];
};

/** `dnat to address:port`. */
export const translateTo = (address: Uint8Array, port: number): NftExpression[] => [
  immediate(ADDRESS, address),
  immediate(PORT, port16(port)),
  // NFTA_NAT_TYPE (destination), _FAMILY, _REG_ADDR_MIN, _REG_ADDR_MAX, _REG_PROTO_MIN, _REG_PROTO_MAX
  expression('nat', word(1, 1), word(2, nfproto(address)), word(3, ADDRESS), word(4, ADDRESS), word(5, PORT), word(6, PORT)),
];

export const masquerade = (): NftExpression[] => [expression('masq')];

const verdict = (code: number, chain?: string): NftExpression[] => [
  expression('immediate', word(1, VERDICT), nested(2, nested(2, word(1, code), ...(chain === undefined ? [] : [string(2, chain)])))),
];

export const drop = (): NftExpression[] => verdict(0);
export const jump = (chain: string): NftExpression[] => verdict(-3, chain);
export const goto = (chain: string): NftExpression[] => verdict(-4, chain);
