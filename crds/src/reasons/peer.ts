import type { ReasonTable } from './entry.ts';

/** Reasons of the condition `Established` of a BGPPeer. A BGPPeer that is not valid carries the reason of its condition Ready instead. */
export const peerReasons = {
  SessionsEstablished: {
    status: 'True',
    severity: 'Normal',
    summary: 'Every node that the peer selects has its session',
    meaning: 'Reason of Established=True of a BGPPeer: each node that its nodeSelectors select reports an established session.',
    remedy: 'Nothing to do.',
  },
  SessionsDown: {
    status: 'False',
    severity: 'Warning',
    summary: 'Some nodes have no session with the router',
    meaning:
      'A node that the nodeSelectors select does not report an established session, or the node is not Ready. The message names the nodes with what is wrong on each.',
    remedy:
      'Compare AS numbers, addresses, password and families with the router; look for a firewall on its TCP port. `status.problems` lists every node.',
  },
  NoNodeSelected: {
    status: 'False',
    severity: 'Warning',
    summary: 'The peer selects no node',
    meaning: 'No node has labels that one of the nodeSelectors of the BGPPeer selects, so nobody has the session.',
    remedy: 'Label nodes, or change the nodeSelectors.',
  },
} as const satisfies ReasonTable;
