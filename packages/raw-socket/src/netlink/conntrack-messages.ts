import { formatIp } from '../inet.ts';
import type { Family } from '../sockaddr.ts';
import { type NetlinkMessage, parseAttributes, requireLength, u8, u16be, u32be } from './codec.ts';

/** One direction of a flow, as its packets carry it. */
export interface FlowTuple {
  source: string;
  destination: string;
  sourcePort: number | undefined;
  destinationPort: number | undefined;
}

export type TcpState =
  | 'none'
  | 'syn-sent'
  | 'syn-recv'
  | 'established'
  | 'fin-wait'
  | 'close-wait'
  | 'last-ack'
  | 'time-wait'
  | 'close'
  | 'syn-sent2';

/** Of an association, not of one path (enum sctp_conntrack). */
export type SctpState =
  | 'none'
  | 'closed'
  | 'cookie-wait'
  | 'cookie-echoed'
  | 'established'
  | 'shutdown-sent'
  | 'shutdown-received'
  | 'shutdown-ack-sent'
  | 'heartbeat-sent'
  | 'heartbeat-acked';

/** An entry of the connection tracking table. */
export interface ConntrackFlow {
  family: Family;
  /** IP protocol number: 6 TCP, 17 UDP, 132 SCTP. */
  protocol: number;
  /** From the first packet, before any address translation. */
  original: FlowTuple;
  /** What answers carry: after translation, reversed. */
  reply: FlowTuple | undefined;
  /** Packets went both ways. */
  assured: boolean;
  seenReply: boolean;
  tcpState: TcpState | undefined;
  sctpState: SctpState | undefined;
  /** Seconds until the entry is forgotten if nothing more is seen. */
  timeout: number | undefined;
}

const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, STATUS: 3, PROTOINFO: 4, TIMEOUT: 7 };
const CTA_PROTOINFO_TCP = 1;
const CTA_PROTOINFO_SCTP = 3;
const IPS_SEEN_REPLY = 2;
const IPS_ASSURED = 4;
const tcpStates: readonly TcpState[] = [
  'none',
  'syn-sent',
  'syn-recv',
  'established',
  'fin-wait',
  'close-wait',
  'last-ack',
  'time-wait',
  'close',
  'syn-sent2',
];

const sctpStates: readonly SctpState[] = [
  'none',
  'closed',
  'cookie-wait',
  'cookie-echoed',
  'established',
  'shutdown-sent',
  'shutdown-received',
  'shutdown-ack-sent',
  'heartbeat-sent',
  'heartbeat-acked',
];

/** struct nfgenmsg {u8 family · u8 version · be16 resource}, then nested attributes (nfnetlink_conntrack.h), numbers big-endian. */
export function parseFlow(message: NetlinkMessage): ConntrackFlow | undefined {
  requireLength(message.payload, 4, 'a flow');
  const attributes = parseAttributes(message.payload, 4);
  const original = parseTuple(attributes.get(CTA.TUPLE_ORIG));
  if (!original) return undefined;
  const status = u32be(attributes.get(CTA.STATUS)) ?? 0;
  return {
    family: original.tuple.source.includes(':') ? 6 : 4,
    protocol: original.protocol,
    original: original.tuple,
    reply: parseTuple(attributes.get(CTA.TUPLE_REPLY))?.tuple,
    assured: (status & IPS_ASSURED) !== 0,
    seenReply: (status & IPS_SEEN_REPLY) !== 0,
    tcpState: stateOf(attributes.get(CTA.PROTOINFO), CTA_PROTOINFO_TCP, tcpStates),
    sctpState: stateOf(attributes.get(CTA.PROTOINFO), CTA_PROTOINFO_SCTP, sctpStates),
    timeout: u32be(attributes.get(CTA.TIMEOUT)),
  };
}

/** CTA_TUPLE_IP (1): v4 source 1, destination 2, v6 source 3, destination 4. CTA_TUPLE_PROTO (2): number 1, ports 2 and 3. */
function parseTuple(data: Buffer | undefined): { tuple: FlowTuple; protocol: number } | undefined {
  if (!data) return undefined;
  const parts = parseAttributes(data);
  const ip = parts.get(1);
  const proto = parts.get(2);
  if (!ip || !proto) return undefined;
  const addresses = parseAttributes(ip);
  const source = addresses.get(1) ?? addresses.get(3);
  const destination = addresses.get(2) ?? addresses.get(4);
  if (!source || !destination || !isAddress(source) || !isAddress(destination)) return undefined;
  const transport = parseAttributes(proto);
  return {
    protocol: u8(transport.get(1)) ?? 0,
    tuple: {
      source: formatIp(source),
      destination: formatIp(destination),
      sourcePort: u16be(transport.get(2)),
      destinationPort: u16be(transport.get(3)),
    },
  };
}

const isAddress = (data: Buffer): boolean => data.length === 4 || data.length === 16;

/** The nest of the protocol; CTA_PROTOINFO_TCP_STATE and CTA_PROTOINFO_SCTP_STATE are attribute 1 of theirs. */
function stateOf<State>(info: Buffer | undefined, protocol: number, states: readonly State[]): State | undefined {
  const nested = info && parseAttributes(info).get(protocol);
  const state = nested && u8(parseAttributes(nested).get(1));
  return state === undefined ? undefined : states[state];
}
