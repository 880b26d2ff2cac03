import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { parseControl } from '../src/cmsg.ts';
import { RawSocketError } from '../src/error.ts';
import { encodeMessage, type NetlinkMessage, parseMessages } from '../src/netlink/codec.ts';
import { parseFlow } from '../src/netlink/conntrack-messages.ts';
import { parseAddress, parseLink, parseNeighbour, parseRoute } from '../src/netlink/route-messages.ts';

/** Every text of the result that should be an address must be one: half-read bytes must not become addresses. */
const parsers: Record<string, (message: NetlinkMessage) => string[]> = {
  link: message => {
    parseLink(message);
    return [];
  },
  address: message => [parseAddress(message)?.address].filter(text => text !== undefined),
  route: message => {
    const route = parseRoute(message);
    return route ? [route.destination, ...route.gateways.flatMap(({ gateway }) => gateway ?? [])] : [];
  },
  neighbour: message => [parseNeighbour(message)?.address].filter(text => text !== undefined),
  flow: message => {
    const flow = parseFlow(message);
    return flow
      ? [flow.original.source, flow.original.destination, ...(flow.reply ? [flow.reply.source, flow.reply.destination] : [])]
      : [];
  },
};

interface Sample {
  kind: string;
  payload: Buffer;
}

/** Messages of a Linux kernel: `KIND HEX` a line. */
export function readCorpus(): Sample[] {
  const lines = readFileSync(new URL('./corpus.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  return lines.map(line => {
    const [kind = '', hex = ''] = line.split(' ');
    return { kind, payload: Buffer.from(hex, 'hex') };
  });
}

/** mulberry32: small, and the same everywhere. */
function prng(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return below => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const LENGTHS = [0, 1, 3, 4, 5, 8, 16, 0x7fff, 0x8000, 0xffff];

function mutate(bytes: Buffer, other: Buffer, random: (below: number) => number): Buffer {
  let out = Buffer.from(bytes);
  for (let n = random(4); n >= 0 && out.length > 4; n--) {
    const at = random(out.length - 1);
    switch (random(6)) {
      case 0:
        out[at] = random(256);
        break;
      case 1:
        out[at] = (out[at] as number) ^ (1 << random(8));
        break;
      // Where lengths stand: multiples of four.
      case 2:
        out.writeUInt16LE(LENGTHS[random(LENGTHS.length)] as number, Math.min(at & ~3, out.length - 2));
        break;
      case 3:
        out = out.subarray(0, at);
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, at), other.subarray(random(other.length))]);
        break;
      default:
        out = Buffer.concat([out.subarray(0, at & ~3), out.subarray((at & ~3) >> 1)]);
    }
  }
  return out;
}

export interface FuzzResult {
  parsed: number;
  refused: number;
}

/**
 * Mutated netlink datagrams and control blocks against their parsers. A refusal (BadMessage) is an answer; anything else thrown, and any
 * address that is none, is an error that names the input.
 */
export function fuzz(runs: number, seed: number): FuzzResult {
  const corpus = readCorpus();
  const random = prng(seed);
  const result: FuzzResult = { parsed: 0, refused: 0 };
  for (let i = 0; i < runs; i++) {
    const sample = corpus[random(corpus.length)] as Sample;
    const other = corpus[random(corpus.length)] as Sample;
    const payload = mutate(sample.payload, other.payload, random);
    try {
      parseControl(payload);
      // Half of the time the datagram's own header is mutated too.
      const datagram = encodeMessage(16, 0, i, payload);
      for (const message of parseMessages(random(2) === 0 ? datagram : mutate(datagram, payload, random))) {
        const texts = parsers[sample.kind]?.(message) ?? [];
        const wrong = texts.filter(text => isIP(text) === 0);
        if (wrong.length > 0) throw new Error(`not addresses: ${wrong.join(', ')}`);
      }
      result.parsed += 1;
    } catch (error) {
      if (!(error instanceof RawSocketError) || error.code !== 'BadMessage') {
        throw new Error(`${sample.kind}, seed ${seed}, run ${i}: ${payload.toString('hex')}`, { cause: error });
      }
      result.refused += 1;
    }
  }
  return result;
}
