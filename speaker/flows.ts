import { type ConntrackFlow, conntrackFlows, conntrackSize } from 'raw-socket';

/** A flow whose kernel knows no state, as of UDP, is over without packets for so long (ms): nothing but silence ends it. */
const QUIET = 10_000;
/** Moves of a flow's expiry that are no sign of a packet (ms): it is told in whole seconds. */
const EXPIRY_STEP = 1_500;

/** TCP connections that a change of node would break: those being opened are no better off. */
const OPEN_TCP: ReadonlySet<string> = new Set(['syn-sent', 'syn-recv', 'established', 'fin-wait', 'close-wait']);
/** Likewise SCTP associations; a path that is only probed may be the one that is left of an association. */
const OPEN_SCTP: ReadonlySet<string> = new Set([
  'cookie-wait',
  'cookie-echoed',
  'established',
  'shutdown-sent',
  'shutdown-received',
  'heartbeat-sent',
  'heartbeat-acked',
]);
const TCP = 6;
const UDP = 17;
const SCTP = 132;

/** Where flows are read; a function of its own, so that tests need no kernel. */
export interface FlowTable {
  /** Flows to any of the addresses. */
  flows: (destinations: readonly string[]) => ConntrackFlow[];
  /** Flows of all kinds; undefined: nothing is tracked here. */
  size: () => number | undefined;
}

export const KERNEL_FLOWS: FlowTable = { flows: destination => conntrackFlows({ destination }), size: conntrackSize };

/** Counts the established connections that pass through this node. Pure but for the table: time is passed in. */
export class FlowCounter {
  readonly #table: FlowTable;
  /** Flows without a state by their tuple: when they would be forgotten, and when that was last put off. */
  #stateless = new Map<string, { expiry: number; activeAt: number }>();

  constructor(table: FlowTable = KERNEL_FLOWS) {
    this.#table = table;
  }

  /**
   * TCP connections, SCTP associations, and UDP flows with packets in the last 10 s, to each of the addresses.
   * @param now monotonic, ms
   * @throws RawSocketError without CAP_NET_ADMIN
   * @returns undefined where the kernel tracks no connection at all, so that none of an address means nothing
   */
  count(addresses: readonly string[], now: number): Map<string, number> | undefined {
    if (!this.#table.size()) return undefined;
    const byAddress = new Map<string, ConntrackFlow[]>(addresses.map(ip => [ip, []]));
    for (const flow of this.#table.flows(addresses)) byAddress.get(flow.original.destination)?.push(flow);
    const before = this.#stateless;
    this.#stateless = new Map();
    return new Map(
      [...byAddress].map(([ip, flows]) => {
        const open = flows.filter(flow => isOpen(flow) ?? (flow.seenReply && this.#isActive(flow, before, now)));
        return [ip, open.length];
      }),
    );
  }

  #isActive(flow: ConntrackFlow, before: ReadonlyMap<string, { expiry: number; activeAt: number }>, now: number): boolean {
    const { source, sourcePort, destination, destinationPort } = flow.original;
    const key = `${flow.protocol} ${source} ${sourcePort} ${destination} ${destinationPort}`;
    const expiry = now + (flow.timeout ?? 0) * 1_000;
    const known = before.get(key);
    const isMoved = known === undefined || expiry - known.expiry > EXPIRY_STEP;
    const entry = isMoved ? { expiry, activeAt: now } : known;
    this.#stateless.set(key, entry);
    return now - entry.activeAt < QUIET;
  }
}

/** By its state; undefined: it has none. A kernel may track SCTP as it does protocols that it does not know. */
function isOpen({ protocol, tcpState, sctpState }: ConntrackFlow): boolean | undefined {
  if (protocol === TCP) return OPEN_TCP.has(tcpState ?? '');
  if (protocol === SCTP && sctpState !== undefined) return OPEN_SCTP.has(sctpState);
  // What is left is no connection: somebody pings the address.
  return protocol === UDP || protocol === SCTP ? undefined : false;
}
