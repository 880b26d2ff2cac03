import type { Mac } from './ethernet.ts';

/**
 * What this node does about one address on one segment.
 * - `own`: answers everybody with the interface's MAC.
 * - `lame-duck`: the address is moving away. Only those who already use it, and so ask by unicast, are answered:
 *   their connections live in this node's conntrack table.
 * - `caretaker`: the owner's speaker restarts while its kernel still forwards; new askers are sent to the owner's MAC.
 * - `silent`: known, but nothing is answered (not ours, or still being probed for a stranger).
 */
export type Standing = { mode: 'own' } | { mode: 'lame-duck' } | { mode: 'caretaker'; mac: Mac } | { mode: 'silent' };

/** The state of one interface that answering depends on. */
export interface AnswerTable {
  /** MAC of the interface. */
  mac: Mac;
  /** By canonical address. */
  standings: ReadonlyMap<string, Standing>;
}

/** Who asks, and how the question reached us. */
export interface Requester {
  mac: Mac;
  /** `0.0.0.0` or `::` when it probes for a duplicate. */
  ip: string;
  /** Ethernet destination: broadcast and multicast go to everybody, unicast comes from one who has our MAC already. */
  delivery: 'group' | 'unicast';
}

export type Refusal = 'unknown-address' | 'silent' | 'own-frame' | 'claims-address' | 'new-asker';

/** Whether and with which MAC a request for `target` is answered: the one place that decides it, for ARP and NDP alike. */
export function answerWith(table: AnswerTable, requester: Requester, target: string): { mac: Mac } | Refusal {
  const standing = table.standings.get(target);
  if (standing === undefined) return 'unknown-address';
  if (requester.mac === table.mac) return 'own-frame';
  // Sender = target is an announcement by somebody else: a conflict to be noticed, not a question.
  if (requester.ip === target) return 'claims-address';
  switch (standing.mode) {
    case 'own':
      return { mac: table.mac };
    case 'lame-duck':
      return requester.delivery === 'unicast' ? { mac: table.mac } : 'new-asker';
    case 'caretaker':
      return { mac: standing.mac };
    case 'silent':
      return 'silent';
  }
}
