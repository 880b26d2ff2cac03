import { parseIp, parseMac } from '../inet.ts';

export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

export interface ArpFields {
  destination?: string;
  source: string;
  operation?: number;
  senderMac?: string;
  senderIp: string;
  targetMac?: string;
  targetIp: string;
  /** 802.1Q tag. */
  vlan?: number;
}

/** An ARP packet (RFC 826) in its Ethernet frame. */
export function arpFrame(fields: ArpFields): Buffer {
  const operation = fields.operation ?? 1;
  return Buffer.concat([
    parseMac(fields.destination ?? BROADCAST),
    parseMac(fields.source),
    fields.vlan === undefined ? Buffer.alloc(0) : Buffer.from([0x81, 0, fields.vlan >> 8, fields.vlan & 0xff]),
    Buffer.from([8, 6, 0, 1, 8, 0, 6, 4, operation >> 8, operation & 0xff]),
    parseMac(fields.senderMac ?? fields.source),
    parseIp(fields.senderIp),
    parseMac(fields.targetMac ?? '00:00:00:00:00:00'),
    parseIp(fields.targetIp),
  ]);
}

export interface NdpFields {
  destination: string;
  source: string;
  sourceIp: string;
  destinationIp: string;
  /** 135 solicitation, 136 advertisement. */
  type?: number;
  code?: number;
  target: string;
  hopLimit?: number;
  /** Options, whole; default: one with the link-layer address of `source`. */
  options?: Buffer;
  /** Replaces the right checksum. */
  checksum?: number;
  flags?: number;
}

/** A neighbour solicitation or advertisement (RFC 4861 §4.3, §4.4) in its Ethernet frame. */
export function ndpFrame(fields: NdpFields): Buffer {
  const type = fields.type ?? 135;
  const options = fields.options ?? Buffer.concat([Buffer.from([type === 135 ? 1 : 2, 1]), parseMac(fields.source)]);
  const message = Buffer.concat([Buffer.from([type, fields.code ?? 0, 0, 0, fields.flags ?? 0, 0, 0, 0]), parseIp(fields.target), options]);
  const source = parseIp(fields.sourceIp);
  const destination = parseIp(fields.destinationIp);
  const header = Buffer.from([0x60, 0, 0, 0, message.length >> 8, message.length & 0xff, 58, fields.hopLimit ?? 255]);
  message.writeUInt16BE(fields.checksum ?? icmp6Checksum(source, destination, message), 2);
  return Buffer.concat([
    parseMac(fields.destination),
    parseMac(fields.source),
    Buffer.from([0x86, 0xdd]),
    header,
    source,
    destination,
    message,
  ]);
}

/** RFC 4443 §2.3: over the pseudo-header and the message with its checksum field 0. */
export function icmp6Checksum(source: Buffer, destination: Buffer, message: Buffer): number {
  const pseudo = Buffer.concat([
    source,
    destination,
    Buffer.from([0, 0, message.length >> 8, message.length & 0xff, 0, 0, 0, 58]),
    message,
  ]);
  let sum = 0;
  for (let i = 0; i + 1 < pseudo.length; i += 2) sum += pseudo.readUInt16BE(i);
  if (pseudo.length % 2 === 1) sum += (pseudo.at(-1) as number) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
