import { internetChecksum, pseudoHeader } from '../src/internet-checksum.ts';

/** Octets that decoders trip over: bounds of lengths, flags and types. */
const NASTY = [0, 1, 2, 3, 4, 15, 16, 19, 23, 32, 33, 64, 127, 128, 129, 144, 192, 254, 255];

type Random = () => number;

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[below(random, values.length)] as T;
}

type Mutation = (bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]) => Uint8Array;

const flipBit: Mutation = (bytes, random) => {
  const out = bytes.slice();
  const at = below(random, out.length);
  out[at] = (out[at] ?? 0) ^ (1 << below(random, 8));
  return out;
};

const setOctet: Mutation = (bytes, random) => {
  const out = bytes.slice();
  out[below(random, out.length)] = random() < 0.7 ? pick(random, NASTY) : below(random, 256);
  return out;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, below(random, bytes.length + 1));

const insert: Mutation = (bytes, random) => {
  const at = below(random, bytes.length + 1);
  const extra = Uint8Array.from({ length: 1 + below(random, 8) }, () => pick(random, NASTY));
  return Uint8Array.from([...bytes.subarray(0, at), ...extra, ...bytes.subarray(at)]);
};

const remove: Mutation = (bytes, random) => {
  const at = below(random, bytes.length);
  return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + below(random, 6))]);
};

const duplicate: Mutation = (bytes, random) => {
  const from = below(random, bytes.length);
  const to = Math.min(bytes.length, from + 1 + below(random, 24));
  return Uint8Array.from([...bytes.subarray(0, to), ...bytes.subarray(from, to), ...bytes.subarray(to)]);
};

const splice: Mutation = (bytes, random, corpus) => {
  const other = pick(random, corpus);
  return Uint8Array.from([...bytes.subarray(0, below(random, bytes.length + 1)), ...other.subarray(below(random, other.length))]);
};

const MUTATIONS: readonly Mutation[] = [flipBit, flipBit, setOctet, setOctet, truncate, insert, remove, duplicate, splice];
const MAX_LENGTH = 8192;

/** A message of the corpus with one to four things wrong. */
export function mutate(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes = pick(random, corpus);
  for (let i = 1 + below(random, 4); i > 0 && bytes.length > 0; i--) bytes = pick(random, MUTATIONS)(bytes, random, corpus);
  return bytes.subarray(0, MAX_LENGTH);
}

/** Writes the true length into a BGP header, so that the decoders behind it are reached. */
export function fixLength(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 19) return bytes;
  const out = bytes.slice();
  out.fill(0xff, 0, 16);
  out[16] = out.length >>> 8;
  out[17] = out.length;
  return out;
}

/** Likewise the checksum of an ICMPv6 message in an Ethernet frame. */
export function fixRouterChecksum(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 58) return bytes;
  const out = bytes.slice();
  const length = ((out[18] ?? 0) << 8) | (out[19] ?? 0);
  const message = out.subarray(54, 54 + length);
  out.fill(0, 56, 58);
  const sum = internetChecksum(pseudoHeader(out.subarray(22, 38), out.subarray(38, 54), message.length, 58), message);
  out.set([sum >>> 8, sum & 255], 56);
  return out;
}
