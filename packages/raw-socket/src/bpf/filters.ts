import { ETH_P_ARP, ETH_P_IPV6 } from '../constants.ts';
import { RawSocketError } from '../error.ts';
import { parseIp } from '../inet.ts';
import { ClassicAssembler, type ClassicFilter, MAX_INSTRUCTIONS } from './classic-assembler.ts';

const PACKET_OTHERHOST = 3;
const WHOLE = 0x40000;

/** Many conditional jumps to one far place: each block of code has a `ret 0` of its own within reach. */
const DROP = 'drop';

/**
 * What every filter on an Ethernet interface must test beside the EtherType. A socket bound to a trunk's parent also receives frames of
 * its VLANs with the tag stripped; answering them would put our address into the wrong network.
 */
function ethernet(asm: ClassicAssembler, etherType: number, ifindex: number): void {
  asm.load(2, 12).jump('eq', etherType, undefined, DROP);
  asm.loadExtension('ifindex').jump('eq', ifindex, undefined, DROP);
  asm.loadExtension('vlanTagPresent').jump('eq', 0, undefined, DROP);
  asm.loadExtension('pkttype').jump('eq', PACKET_OTHERHOST, DROP, undefined);
}

/**
 * Accepts when the 32-bit word at `offset` is one of `words` (sorted), goes on after the block otherwise. One instruction per word, in
 * chunks small enough for 8-bit jumps; a chunk whose greatest word is smaller is skipped, so that thousands of words cost a few dozen
 * steps per packet.
 */
function anyOf(asm: ClassicAssembler, offset: number, words: readonly number[], prefix: string): void {
  const CHUNK = 64;
  asm.load(4, offset);
  for (let start = 0; start < words.length; start += CHUNK) {
    const chunk = words.slice(start, start + CHUNK);
    const name = `${prefix}${start}`;
    asm.jump('gt', chunk.at(-1) as number, `${name}.skip`, undefined);
    for (const word of chunk) asm.jump('eq', word, `${name}.accept`, undefined);
    asm.label(`${name}.skip`).goto(`${name}.next`);
    asm.label(`${name}.accept`).ret(WHOLE);
    asm.label(`${name}.next`);
  }
}

/** The last 32 bits of each address, sorted, each once. */
function lastWords(addresses: readonly string[], length: 4 | 16): number[] {
  const words = new Set<number>();
  for (const address of addresses) {
    const bytes = parseIp(address);
    if (bytes.length !== length) throw new RawSocketError('InvalidArgument', `${address} is not an IPv${length === 4 ? 4 : 6} address`);
    words.add(bytes.readUInt32BE(length - 4));
  }
  return [...words].sort((a, b) => a - b);
}

interface Fields {
  /** Offset in the frame of the word to compare → the words. */
  readonly at: readonly (readonly [offset: number, words: readonly number[]])[];
}

function finish(head: () => ClassicAssembler, fields: Fields | undefined): ClassicFilter {
  const open = head().ret(WHOLE).label(DROP).ret(0).assemble();
  if (!fields) return open;
  const asm = head().goto('body').label(DROP).ret(0).label('body');
  fields.at.forEach(([offset, words], i) => {
    anyOf(asm, offset, words, `f${i}.`);
  });
  asm.ret(0);
  return asm.length > MAX_INSTRUCTIONS ? open : asm.assemble(open);
}

export interface ArpFilterOptions {
  interfaceIndex: number;
  /** Default: requests and replies. */
  operations?: readonly ('request' | 'reply')[];
  /** Let through only packets whose target protocol address (TPA) is one of these … */
  targets?: readonly string[] | undefined;
  /** … or whose sender protocol address (SPA) is one of these. With neither list, all. */
  senders?: readonly string[] | undefined;
}

/**
 * ARP for IPv4 over Ethernet (RFC 826), untagged, for us, on this interface. The addresses are part of the program, so that other hosts'
 * ARP costs no wake-up; about 3,800 of them fit, and above that the filter passes every address.
 */
export function arpFilter(options: ArpFilterOptions): ClassicFilter {
  const operations = new Set(options.operations ?? ['request', 'reply']);
  const head = (): ClassicAssembler => {
    const asm = new ClassicAssembler();
    ethernet(asm, ETH_P_ARP, options.interfaceIndex);
    asm.load(4, 14).jump('eq', 0x0001_0800, undefined, DROP);
    asm.load(2, 18).jump('eq', 0x0604, undefined, DROP);
    asm.load(2, 20);
    if (operations.has('request')) asm.jump('eq', 1, 'operation', undefined);
    if (operations.has('reply')) asm.jump('eq', 2, 'operation', undefined);
    // DROP lies behind the label: a plain jump, since `operation` must come first.
    return asm.jump('eq', 0, DROP, DROP).label('operation');
  };
  const at: [number, number[]][] = [];
  if (options.targets) at.push([38, lastWords(options.targets, 4)]);
  if (options.senders) at.push([28, lastWords(options.senders, 4)]);
  return finish(head, at.length === 0 ? undefined : { at });
}

export interface NdpFilterOptions {
  interfaceIndex: number;
  /** Default: both. */
  types?: readonly ('solicitation' | 'advertisement')[];
  /** Let through only messages whose target is one of these (compared by its last 32 bits) … */
  targets?: readonly string[] | undefined;
  /** … or whose IPv6 destination is one of these (likewise). With neither list, all. */
  destinations?: readonly string[] | undefined;
}

/**
 * Neighbour solicitations and advertisements (RFC 4861), untagged, for us, on this interface, with hop limit 255 (§7.1: anything else
 * came through a router) and without extension headers.
 */
export function ndpFilter(options: NdpFilterOptions): ClassicFilter {
  const types = new Set(options.types ?? ['solicitation', 'advertisement']);
  const head = (): ClassicAssembler => {
    const asm = new ClassicAssembler();
    ethernet(asm, ETH_P_IPV6, options.interfaceIndex);
    // Next header 58 and hop limit 255 lie side by side; type and code likewise.
    asm.load(2, 20).jump('eq', 0x3aff, undefined, DROP);
    asm.load(2, 54);
    if (types.has('solicitation')) asm.jump('eq', 0x8700, 'type', undefined);
    if (types.has('advertisement')) asm.jump('eq', 0x8800, 'type', undefined);
    return asm.jump('eq', 0, DROP, DROP).label('type');
  };
  const at: [number, number[]][] = [];
  if (options.targets) at.push([74, lastWords(options.targets, 16)]);
  if (options.destinations) at.push([50, lastWords(options.destinations, 16)]);
  return finish(head, at.length === 0 ? undefined : { at });
}

/**
 * For a UDP socket: only packets that arrive with this TTL or hop limit at least (GTSM, RFC 5082). IP_MINTTL does it for TCP only.
 */
export function minTtlFilter(family: 4 | 6, minTtl: number): ClassicFilter {
  return new ClassicAssembler()
    .loadFromNetwork(1, family === 4 ? 8 : 7)
    .jump('ge', minTtl, undefined, DROP)
    .ret(0xffff_ffff)
    .label(DROP)
    .ret(0)
    .assemble();
}
