import { drainOf } from '@herald/crds';

/** Label by which operators keep a node out of load balancing (KEP-1143). */
export const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** A `v1` Node, as far as it is judged here. */
export interface JudgedNode {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
  };
  readonly spec?: { readonly unschedulable?: boolean | undefined } | undefined;
  readonly status?: { readonly conditions?: readonly NodeCondition[] | undefined } | undefined;
}

export interface NodeCondition {
  readonly type: string;
  readonly status: string;
  readonly message?: string | undefined;
}

/** What the kubelet says of its node while it shuts down (graceful node shutdown). */
const SHUTTING_DOWN = 'node is shutting down';

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
  node: JudgedNode | undefined,
  { drainTime: usual, ignoreExcludeLabel }: DepartureOptions,
): Departure | undefined {
  if (node === undefined) return undefined;
  const { labels = {}, annotations } = node.metadata;
  const asked = drainOf(annotations);
  if (asked !== undefined) return { because: 'NodeDrained', drainTime: asked.within ?? usual };
  if (!ignoreExcludeLabel && Object.hasOwn(labels, EXCLUDE_LABEL)) return { because: 'NodeExcludedByLabel', drainTime: usual };
  const unavailable = node.status?.conditions?.some(isUnavailable) ?? false;
  return unavailable ? { because: 'NodeNetworkUnavailable', drainTime: usual } : undefined;
}

/**
 * Whether a speaker that ends now leaves its node, so that nobody comes back to its addresses and routes soon: the node is gone, cordoned, being
 * shut down, or barred from announcing. Otherwise the end is the first half of a restart.
 * @param node undefined: there is none of that name
 */
export function isBeingLeft(node: JudgedNode | undefined, ignoreExcludeLabel: boolean): boolean {
  if (node === undefined || node.spec?.unschedulable === true || node.status?.conditions?.some(isShutdown) === true) return true;
  return departureOf(node, { drainTime: 0, ignoreExcludeLabel }) !== undefined;
}

/** Whether the condition is one that is judged here: of big clusters nothing else is kept. */
export function isJudged(condition: NodeCondition): boolean {
  return isUnavailable(condition) || isShutdown(condition);
}

function isUnavailable({ type, status }: NodeCondition): boolean {
  return type === 'NetworkUnavailable' && status === 'True';
}

function isShutdown({ message }: NodeCondition): boolean {
  return message === SHUTTING_DOWN;
}
