import { readFileSync } from 'node:fs';
import { AF_INET, AF_INET6 } from '../constants.ts';
import { formatIp, parseIp } from '../inet.ts';
import { attribute } from './codec.ts';
import { type ConntrackFlow, parseFlow } from './conntrack-messages.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from './socket.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_NEW = 0;
const IPCTNL_MSG_CT_GET = 1;
const CTA_TUPLE_ORIG = 1;
const NLA_F_NESTED = 0x8000;
const CTA_FILTER = 25;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;

export interface ConntrackQuery {
  /** Addresses that the flows' first packets were sent to: a Service's address, before translation to a backend. */
  destination: string | readonly string[];
  /** IP protocol number; default all. */
  protocol?: number;
  /** Destination port of the first packet. */
  destinationPort?: number;
}

/** CTA_FILTER_ORIG_FLAGS bit: compare the destination address of the original direction. */
const FILTER_DESTINATION = 1 << 1;

/**
 * The flows of this network namespace to an address, or to several (needs CAP_NET_ADMIN). The kernel is asked to select one IPv4 address
 * (Linux ≥ 5.8); what it returns in addition is left out here.
 * @throws RawSocketError NotPermitted, NotSupported (no connection tracking in this kernel)
 */
export function conntrackFlows(query: ConntrackQuery): ConntrackFlow[] {
  const destinations = [query.destination].flat().map(parseIp);
  const families = [4, 16].map(length => destinations.filter(destination => destination.length === length));
  return families.flatMap(wanted => (wanted.length === 0 ? [] : dump(wanted, query)));
}

/** The flows to addresses of one family. */
function dump(destinations: readonly Buffer[], query: ConntrackQuery): ConntrackFlow[] {
  const wanted = new Set(destinations.map(formatIp));
  const matches = (flow: ConntrackFlow): boolean =>
    wanted.has(flow.original.destination) &&
    (query.protocol === undefined || flow.protocol === query.protocol) &&
    (query.destinationPort === undefined || flow.original.destinationPort === query.destinationPort);
  return NetlinkSocket.dump(
    NETLINK_NETFILTER,
    'the connection tracking table',
    (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET,
    encodeQuery(destinations),
    message => {
      if (message.type !== ((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW)) return undefined;
      const flow = parseFlow(message);
      return flow && matches(flow) ? flow : undefined;
    },
    'CAP_NET_ADMIN',
  );
}

/** struct nfgenmsg {u8 family · u8 version 0 · be16 resource}, the tuple to compare with and which of its fields count. */
function encodeQuery(destinations: readonly Buffer[]): Buffer {
  const [destination] = destinations;
  // The kernel's comparison of IPv6 addresses is inverted (it leaves out what matches), so that only IPv4 is selected there.
  if (destination?.length !== 4 || destinations.length > 1) return Buffer.from([destination?.length === 16 ? AF_INET6 : AF_INET, 0, 0, 0]);
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(FILTER_DESTINATION, 0);
  return Buffer.concat([
    Buffer.from([AF_INET, 0, 0, 0]),
    attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, attribute(1 | NLA_F_NESTED, attribute(2, destination))),
    attribute(CTA_FILTER | NLA_F_NESTED, attribute(1, flags)),
  ]);
}

/** Flows in the table of this network namespace; undefined where there is no connection tracking. Needs no capability. */
export function conntrackSize(): number | undefined {
  try {
    return Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'utf8'));
  } catch {
    return undefined;
  }
}

export interface FlowCounts {
  /** TCP connections that carry data: established, or closing with one direction still open. */
  tcpEstablished: number;
  /** TCP connections being opened, and those that are over. */
  tcpOther: number;
  /** UDP flows with answers; they end by silence only. */
  udp: number;
  other: number;
}

const open = new Set(['established', 'fin-wait', 'close-wait']);

export function countFlows(flows: Iterable<ConntrackFlow>): FlowCounts {
  const counts: FlowCounts = { tcpEstablished: 0, tcpOther: 0, udp: 0, other: 0 };
  for (const flow of flows) {
    if (flow.protocol === IPPROTO_TCP) counts[open.has(flow.tcpState ?? '') ? 'tcpEstablished' : 'tcpOther'] += 1;
    else if (flow.protocol === IPPROTO_UDP) counts.udp += flow.seenReply ? 1 : 0;
    else counts.other += 1;
  }
  return counts;
}
