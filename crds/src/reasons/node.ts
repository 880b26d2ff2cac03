import type { ReasonTable } from './entry.ts';

/** Why a single node may not announce (`Announcement.status.nodes`). */
export const nodeReasons = {
  NodeNotSelected: {
    severity: 'Normal',
    summary: 'The nodeSelectors of the advertisements do not match the node',
    meaning: 'Each advertisement that selects the address has nodeSelectors, and none of them matches the labels of the node.',
    remedy: 'Label the node, or change the nodeSelectors.',
  },
  NodeExcludedByLabel: {
    severity: 'Normal',
    summary: 'The node carries the exclude label',
    meaning: 'The node is labelled node.kubernetes.io/exclude-from-external-load-balancers.',
    remedy: 'Remove the label if the node should announce.',
  },
  NodeNetworkUnavailable: {
    severity: 'Warning',
    summary: 'The network of the node is not available',
    meaning: 'The node has the condition NetworkUnavailable=True.',
    remedy: 'See the network plugin of the cluster on that node.',
  },
  NodeDrained: {
    severity: 'Normal',
    summary: 'The node was asked to give its announcements away',
    meaning: 'The node is being drained (`herald drain`, or the annotation heraldlb.io/drain).',
    remedy: 'End the drain when the maintenance is over.',
  },
  NodeWithoutEndpoint: {
    severity: 'Normal',
    summary: 'The node has no endpoint that serves',
    meaning: 'externalTrafficPolicy is Local, and no endpoint of the Service on this node is ready or still serving.',
    remedy: 'Nothing to do, unless a pod should run there.',
  },
  NodeWithoutInterface: {
    severity: 'Warning',
    summary: 'The node has no interface of the advertisement',
    meaning: 'The L2Advertisement names interfaces, and the node has none of them, up and usable.',
    remedy: 'Correct the interfaces of the advertisement, or its nodeSelectors.',
  },
  NodeUnfit: {
    severity: 'Warning',
    summary: 'The node judged itself unfit',
    meaning: 'No link, no uplink, or a packet thread that stands still: unfitReason in the Speaker of the node says which.',
    remedy: 'See the network of the node.',
  },
  NodeWithoutSpeaker: {
    severity: 'Warning',
    summary: 'No speaker runs on the node',
    meaning: 'The node has no live speaker.',
    remedy: 'See the pods of the speaker DaemonSet.',
  },
} as const satisfies ReasonTable;
