import type { Wire } from '@herald/kube';
import type { V1Node } from '@kubernetes/client-node';
import { DRAIN_ANNOTATION, drainTime } from '../drain.ts';

/** Label by which operators keep a node out of load balancing (KEP-1143). */
const EXCLUDE = 'node.kubernetes.io/exclude-from-external-load-balancers';

export interface DepartureOptions {
  /** How long routes stay, marked with GRACEFUL_SHUTDOWN (RFC 8326), unless the drain annotation says; milliseconds. */
  readonly drainTime: number;
  /** Nodes with the exclude label announce, too. */
  readonly ignoreExcludeLabel: boolean;
}

/** Why a node's routes are to go although its speaker stays. */
export interface Departure {
  readonly because: 'NodeExcludedByLabel' | 'NodeNetworkUnavailable' | 'NodeDrained';
  /** How long they stay, marked, before they are withdrawn; milliseconds. */
  readonly drainTime: number;
}

/** Whether the node is to be left, by its label, its condition or its annotation; undefined: no. */
export function departureOf(
  node: Wire<V1Node> | undefined,
  { drainTime: usual, ignoreExcludeLabel }: DepartureOptions,
): Departure | undefined {
  if (node === undefined) return undefined;
  const { labels = {}, annotations = {} } = node.metadata;
  const asked = drainTime(Object.hasOwn(annotations, DRAIN_ANNOTATION) ? annotations[DRAIN_ANNOTATION] : undefined, usual);
  if (asked !== undefined) return { because: 'NodeDrained', drainTime: asked };
  if (!ignoreExcludeLabel && Object.hasOwn(labels, EXCLUDE)) return { because: 'NodeExcludedByLabel', drainTime: usual };
  const unavailable = node.status?.conditions?.some(({ type, status }) => type === 'NetworkUnavailable' && status === 'True') ?? false;
  return unavailable ? { because: 'NodeNetworkUnavailable', drainTime: usual } : undefined;
}
