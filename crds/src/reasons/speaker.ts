import type { ReasonTable } from './entry.ts';

/** Reasons of the conditions of a Speaker: `Ready`, `AddressConflict`, `PeersHeard` and `GatewaysLearn`. */
export const speakerReasons = {
  Running: {
    status: 'True',
    severity: 'Normal',
    summary: 'The speaker works',
    meaning: 'Reason of Ready=True of a Speaker: the packet thread answers, and the configuration is known.',
    remedy: 'Nothing to do.',
  },
  NotReady: {
    status: 'False',
    severity: 'Warning',
    summary: 'The speaker does not work as it should',
    meaning:
      'Reason of Ready=False of a Speaker: the packet thread is silent, the configuration is not known yet, or a permission is missing. The message says which.',
    remedy: 'See the message and the log of the speaker on that node.',
  },
  NoConflict: {
    status: 'False',
    severity: 'Normal',
    summary: 'No other machine uses an address of the node',
    meaning: 'Reason of AddressConflict=False of a Speaker.',
    remedy: 'Nothing to do.',
  },
  AllPeersHeard: {
    status: 'True',
    severity: 'Normal',
    summary: 'Every node that should be heard is',
    meaning: 'Reason of PeersHeard=True of a Speaker: of each ready node whose Speaker is on the same segment, heartbeats arrive.',
    remedy: 'Nothing to do.',
  },
  PeersUnheard: {
    status: 'False',
    severity: 'Warning',
    summary: 'Nodes on the same segment are not heard',
    meaning:
      'Reason of PeersHeard=False of a Speaker: ready nodes whose Speakers say that they are on the same segment have not been heard for ten seconds. Nodes that do not hear each other may announce the same address at once. The message and `peersMissing` of the segment name them.',
    remedy:
      'Open UDP port 7947 between the nodes in both directions, see that switches pass multicast, and that the nodes have the same subnets on the interface: a node that lost its IPv4 address names the segment otherwise. Where the speaker of such a node does not run, see its pod; where none is meant to run any more, delete its Speaker.',
  },
  GatewaysLearn: {
    status: 'True',
    severity: 'Normal',
    summary: 'The gateways confirm what is announced',
    meaning: 'Reason of GatewaysLearn=True of a Speaker: no gateway that answers the node ignores an address that it announces.',
    remedy: 'Nothing to do.',
  },
  GatewayDoesNotLearn: {
    status: 'False',
    severity: 'Warning',
    summary: 'A gateway does not answer to an address that is announced',
    meaning:
      'Reason of GatewaysLearn=False of a Speaker: a gateway answers requests from the address of the node, but for ten seconds none from an address of Herald. It may not accept the announcement, and send packets to the node that had the address before. It is asked again once a minute.',
    remedy:
      'See on the gateway which MAC address it has for the address. Usual causes are inspection of ARP (DHCP snooping, dynamic ARP inspection), static entries, and an address that lies in none of its subnets.',
  },
} as const satisfies ReasonTable;
