import type { Speaker } from '@herald/crds';
import type { Wire } from '@herald/kube';
import type { V1Node } from '@kubernetes/client-node';
import { barred } from '../planner/eligibility.ts';
import { nodeOf } from '../planner/index.ts';
import type { ServingNode } from './inputs.ts';

/** The cluster autoscaler is about to remove the node. */
const goingTaint = 'ToBeDeletedByClusterAutoscaler';

/** A Node with what its speaker says, as node mode sees it. */
export function servingNode(
  node: Wire<V1Node>,
  speaker: Speaker | undefined,
  options: { alive: boolean; ignoreExcludeLabel: boolean },
): ServingNode {
  const addresses = (type: string) => (node.status?.addresses ?? []).flatMap(each => (each.type === type ? [each.address] : []));
  const going =
    node.metadata.deletionTimestamp !== undefined || (node.spec?.taints ?? []).some(({ key }) => key === goingTaint)
      ? 'it is being deleted'
      : null;
  return {
    name: node.metadata.name,
    labels: node.metadata.labels ?? {},
    externalIPs: addresses('ExternalIP'),
    internalIPs: addresses('InternalIP'),
    barred: going ?? barred(nodeOf(node), options.ignoreExcludeLabel)?.message ?? null,
    kubeProxy: speaker?.status?.kubeProxy ?? null,
    forwards: speaker?.status?.nodeForwarding === 'Ready',
    alive: options.alive,
  };
}

/** What of a Node decides; the rest of its status changes with every heartbeat of the kubelet. */
export function relevantOfNode(node: Wire<V1Node>): string {
  const { labels, annotations, deletionTimestamp } = node.metadata;
  const conditions = (node.status?.conditions ?? []).map(({ type, status }) => [type, status]);
  return JSON.stringify([labels, annotations, deletionTimestamp, node.spec?.taints, node.status?.addresses, conditions]);
}

/** What of a Speaker decides, liveness aside. */
export function forwardingOfSpeaker({ status }: Speaker): string {
  return JSON.stringify([status?.kubeProxy, status?.nodeForwarding]);
}
