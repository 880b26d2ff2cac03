import { EbpfAssembler, type Register, r } from './assembler.ts';
import { ANSWER_BROADCAST, ANSWER_UNICAST, VALUE } from './layout.ts';

/** Helpers of bpf-helpers(7). */
const MAP_LOOKUP = 1;
const KTIME_GET_NS = 5;
const REDIRECT = 23;
const CSUM_DIFF = 28;
const SKB_PULL_DATA = 39;

/** Offsets in struct __sk_buff. */
const SKB = { len: 0, pktType: 4, protocol: 16, vlanPresent: 20, ifindex: 40, data: 76, dataEnd: 80 };

const PACKET_HOST = 0;
const PACKET_MULTICAST = 2;
/** TCX_NEXT: as if we had not been there; other programs and the network stack see the packet. */
const NEXT = -1;

/** Frame sizes: an ARP packet, and a solicitation with one source link-layer address option. */
const ARP_LENGTH = 42;
export const NS_LENGTH = 86;

// Register use throughout: r6 the packet's context, r7 its first byte, r8 the table entry, r9 how it came (ANSWER_*).
const CTX: Register = 6;
const DATA: Register = 7;
const ENTRY: Register = 8;
const HOW: Register = 9;

export interface ProgramMaps {
  vips4: number;
  vips6: number;
  leases: number;
}

/**
 * The responder: turns an ARP request or the usual neighbour solicitation for an address of the table into its answer and sends it back
 * by the interface it came in by. Whatever is unusual in any way (tags, probes for duplicates, other options, announcements, a bad
 * checksum) passes on untouched, for user space and the kernel to judge. So does everything once the entry's lease is over.
 */
export function responderProgram(maps: ProgramMaps): Buffer {
  const asm = new EbpfAssembler();
  asm.mov(CTX, r(1));
  asm.load(4, 2, CTX, SKB.vlanPresent).jump('ne', 2, 0, 'pass');
  asm.load(4, 2, CTX, SKB.pktType).jump('gt', 2, PACKET_MULTICAST, 'pass');
  asm.mov(HOW, ANSWER_BROADCAST).jump('ne', 2, PACKET_HOST, 'how').mov(HOW, ANSWER_UNICAST).label('how');
  asm.load(4, 2, CTX, SKB.protocol);
  asm.jump('eq', 2, 0x0608, 'arp');
  asm.jump('eq', 2, 0xdd86, 'ipv6');
  asm.label('pass').mov(0, NEXT).exit();
  arp(asm, maps);
  neighbourSolicitation(asm, maps);
  asm.label('send').load(4, 1, CTX, SKB.ifindex).mov(2, 0).call(REDIRECT).exit();
  return asm.assemble();
}

/** DATA ← the packet, with `length` bytes of it readable in one piece; drivers may have left them in fragments. */
function readable(asm: EbpfAssembler, length: number, prefix: string): void {
  const bounds = (): EbpfAssembler => asm.load(4, DATA, CTX, SKB.data).load(4, 2, CTX, SKB.dataEnd).mov(3, r(DATA)).alu('add', 3, length);
  bounds().jump('le', 3, r(2), `${prefix}.readable`);
  asm.mov(1, r(CTX)).mov(2, length).call(SKB_PULL_DATA).jump('ne', 0, 0, 'pass');
  bounds().jump('gt', 3, r(2), 'pass');
  asm.label(`${prefix}.readable`);
}

/** ENTRY ← the table's entry for the key at r10 + keyAt; passes unless it answers such requests and its lease holds. */
function lookUp(asm: EbpfAssembler, map: number, keyAt: number, leases: number): void {
  asm.loadMap(1, map).mov(2, r(10)).alu('add', 2, keyAt).call(MAP_LOOKUP).jump('eq', 0, 0, 'pass').mov(ENTRY, r(0));
  asm.load(1, 2, ENTRY, VALUE.flags).alu('and', 2, r(HOW)).jump('eq', 2, 0, 'pass');
  asm.load(1, 2, ENTRY, VALUE.lease).store(4, 10, -32, 2);
  asm.loadMap(1, leases).mov(2, r(10)).alu('add', 2, -32).call(MAP_LOOKUP).jump('eq', 0, 0, 'pass');
  asm.load(8, 2, 0, 0).store(8, 10, -40, 2);
  asm.call(KTIME_GET_NS).load(8, 2, 10, -40).jump('ge', 0, r(2), 'pass');
}

function count(asm: EbpfAssembler): void {
  asm.mov(2, 1).atomicAdd(ENTRY, VALUE.hits, 2);
}

/** Six bytes from one place to another, by r2 and r3; `order` says where the base is aligned to 4. */
function copyMac(
  asm: EbpfAssembler,
  to: Register,
  toAt: number,
  from: Register,
  fromAt: number,
  order: readonly [2 | 4, 2 | 4] = [4, 2],
): void {
  asm.load(order[0], 2, from, fromAt).load(order[1], 3, from, fromAt + order[0]);
  asm.store(order[0], to, toAt, 2).store(order[1], to, toAt + order[0], 3);
}

/** RFC 826, offsets in the frame: op 20, SHA 22, SPA 28, THA 32, TPA 38. Multi-byte constants as little-endian loads of network order. */
function arp(asm: EbpfAssembler, maps: ProgramMaps): void {
  asm.label('arp');
  readable(asm, ARP_LENGTH, 'arp');
  // Ethernet, IPv4, 6 and 4 bytes, request.
  asm.load(4, 2, DATA, 14).jump32('ne', 2, 0x00080100, 'pass');
  asm.load(4, 2, DATA, 18).jump32('ne', 2, 0x01000406, 'pass');
  // An answer to a group address would reach everybody.
  asm.load(1, 2, DATA, 22).alu('and', 2, 1).jump('ne', 2, 0, 'pass');
  // Sender = target is an announcement, not a question.
  asm.load(4, 2, DATA, 28).load(4, 3, DATA, 38).jump32('eq', 2, r(3), 'pass');
  asm.load(4, 2, CTX, SKB.ifindex).store(4, 10, -8, 2).store(4, 10, -4, 3);
  lookUp(asm, maps.vips4, -8, maps.leases);
  count(asm);
  asm.load(4, 4, DATA, 28).load(4, 5, DATA, 38);
  copyMac(asm, DATA, 0, DATA, 22);
  copyMac(asm, DATA, 32, DATA, 22);
  asm.store(4, DATA, 38, 4).store(4, DATA, 28, 5);
  copyMac(asm, DATA, 22, ENTRY, VALUE.mac);
  copyMac(asm, DATA, 6, ENTRY, VALUE.source, [2, 4]);
  asm.storeImmediate(2, DATA, 20, 0x0200).goto('send');
}

/**
 * RFC 4861 §4.3, §7.1.1, §7.2.4. Offsets: IPv6 header 14 (payload length 18, next header 20, hop limit 21, source 22, destination 38),
 * ICMPv6 54 (type, code, checksum 56, reserved 58, target 62), option 78 (type, length, address 80).
 */
function neighbourSolicitation(asm: EbpfAssembler, maps: ProgramMaps): void {
  asm.label('ipv6');
  // The first test is the length: it costs the node's other IPv6 traffic one load.
  asm.load(4, 2, CTX, SKB.len).jump('ne', 2, NS_LENGTH, 'pass');
  readable(asm, NS_LENGTH, 'ns');
  asm.load(1, 2, DATA, 14).alu('and', 2, 0xf0).jump('ne', 2, 0x60, 'pass');
  asm.load(2, 2, DATA, 18).jump('ne', 2, 0x2000, 'pass');
  asm.load(2, 2, DATA, 20).jump('ne', 2, 0xff3a, 'pass');
  asm.load(2, 2, DATA, 54).jump('ne', 2, 0x0087, 'pass');
  asm.load(2, 2, DATA, 78).jump('ne', 2, 0x0101, 'pass');
  asm.load(1, 2, DATA, 80).alu('and', 2, 1).jump('ne', 2, 0, 'pass');
  // Source: not ::, no group, not the target itself.
  asm.load(1, 2, DATA, 22).jump('eq', 2, 0xff, 'pass');
  asm.load(8, 2, DATA, 22).load(8, 3, DATA, 30);
  asm.mov(4, r(2)).alu('or', 4, r(3)).jump('eq', 4, 0, 'pass');
  asm.load(8, 4, DATA, 62).load(8, 5, DATA, 70);
  asm.jump('ne', 2, r(4), 'ns.foreign').jump('eq', 3, r(5), 'pass').label('ns.foreign');
  // Key {u32 ifindex, u8 ip[16]} at r10 - 24.
  asm.load(4, 2, CTX, SKB.ifindex).store(4, 10, -24, 2);
  for (const at of [0, 4, 8, 12]) asm.load(4, 2, DATA, 62 + at).store(4, 10, -20 + at, 2);
  lookUp(asm, maps.vips6, -24, maps.leases);
  checksum(asm);
  asm.jump('ne', 0, 0, 'pass');
  count(asm);
  // Ethernet: back to who asked, from us.
  copyMac(asm, DATA, 0, DATA, 80);
  copyMac(asm, DATA, 6, ENTRY, VALUE.source, [2, 4]);
  // IPv6: traffic class and flow label 0; to the source, from the target.
  asm.storeImmediate(4, DATA, 14, 0x60);
  for (const at of [0, 8]) {
    asm.load(8, 2, DATA, 22 + at).store(8, DATA, 38 + at, 2);
    asm.load(8, 2, DATA, 62 + at).store(8, DATA, 22 + at, 2);
  }
  // Advertisement, S and O set; target link-layer address option.
  asm.storeImmediate(4, DATA, 54, 0x88).storeImmediate(4, DATA, 58, 0x60);
  asm.storeImmediate(2, DATA, 78, 0x0102);
  copyMac(asm, DATA, 80, ENTRY, VALUE.mac);
  checksum(asm);
  asm.store(2, DATA, 56, 0).goto('send');
}

/** r0 ← the complement of the checksum over pseudo-header and message: 0 over a valid one, else what belongs into an empty field. */
function checksum(asm: EbpfAssembler): void {
  // Seed: payload length 32 and next header 58, each as a 32-bit word in network order, added.
  asm.mov(1, 0).mov(2, 0).mov(3, r(DATA)).alu('add', 3, 22).mov(4, 32).mov(5, 0x5a000000).call(CSUM_DIFF);
  asm.mov(5, r(0)).mov(1, 0).mov(2, 0).mov(3, r(DATA)).alu('add', 3, 54).mov(4, 32).call(CSUM_DIFF);
  asm.alu('lsh', 0, 32).alu('rsh', 0, 32);
  for (let fold = 0; fold < 2; fold++) asm.mov(2, r(0)).alu('rsh', 2, 16).alu('and', 0, 0xffff).alu('add', 0, r(2));
  asm.alu('xor', 0, 0xffff).alu('and', 0, 0xffff);
}
