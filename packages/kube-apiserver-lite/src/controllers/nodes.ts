import type { Cluster } from '../cluster.ts';
import { timestamp } from '../environment.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import { equal, isObject } from '../schema/json.ts';
import type { Change, Stored } from '../storage/stored.ts';
import { KeyedController } from './controller.ts';

export interface NodeOptions {
  /** A node whose Lease is older than this is not heard from. Milliseconds; the default is 40 s, as in Kubernetes. */
  graceMs?: number;
  /** How often Leases are looked at; the default is 5 s. */
  periodMs?: number;
}

const LEASES = 'leases.coordination.k8s.io';
const LEASE_NAMESPACE = 'kube-node-lease';
const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';
const DEFAULT_GRACE_MS = 40_000;
const DEFAULT_PERIOD_MS = 5_000;

/**
 * Nodes' Ready conditions from their Leases, and their taints from the conditions. A node without a Lease is left as its
 * status says: nobody simulated it.
 */
export class NodeController extends KeyedController {
  readonly #graceMs: number;
  readonly #periodMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(cluster: Cluster, options: NodeOptions, onError: (error: unknown, key: string) => void) {
    super(cluster, onError);
    this.#graceMs = options.graceMs ?? DEFAULT_GRACE_MS;
    this.#periodMs = options.periodMs ?? DEFAULT_PERIOD_MS;
  }

  override start(): void {
    super.start();
    this.#timer = setInterval(() => this.enqueueAll(), this.#periodMs);
    this.#timer.unref();
  }

  override stop(): void {
    clearInterval(this.#timer);
    super.stop();
  }

  protected override observe({ resource, current, type }: Change): void {
    if (resource === 'nodes' && type !== 'DELETED') this.queue.add(current.name);
    if (resource === LEASES && current.namespace === LEASE_NAMESPACE) this.queue.add(current.name);
  }

  protected override enqueueAll(): void {
    for (const { name } of this.cluster.store.table(LEASES).list(LEASE_NAMESPACE)) this.queue.add(name);
    for (const { name } of this.cluster.store.table('nodes').list()) this.queue.add(name);
  }

  protected override sync(name: string): void {
    const stored = this.cluster.store.get('nodes', '', name);
    if (stored === undefined) return;
    const lease = this.cluster.store.get(LEASES, LEASE_NAMESPACE, name);
    const conditions = this.#conditions(stored.object, lease);
    const status = { ...objectOf(stored.object['status']), ...(conditions.length === 0 ? {} : { conditions }) };
    const spec = withTaints(objectOf(stored.object['spec']), ready(conditions));
    if (equal(status, objectOf(stored.object['status'])) && equal(spec, objectOf(stored.object['spec']))) return;
    this.cluster.store.put('nodes', { ...stored.object, metadata: { ...stored.object.metadata }, spec, status });
  }

  #conditions(node: ApiObject, lease: Stored | undefined): JsonObject[] {
    const known = objects(objectOf(node['status'])['conditions']);
    const { renewTime } = objectOf(lease?.object['spec']);
    const renewed = Date.parse(typeof renewTime === 'string' ? renewTime : '');
    if (Number.isNaN(renewed)) return known;
    const now = this.cluster.environment.now();
    const heard = now.getTime() - renewed <= this.#graceMs;
    const before = ready(known);
    // What a kubelet says of itself stands while it is heard.
    if (heard && before !== undefined && before !== 'Unknown') return known;
    if (!heard && before === 'Unknown') return known;
    const next = {
      type: 'Ready',
      status: heard ? 'True' : 'Unknown',
      lastHeartbeatTime: timestamp(new Date(renewed)),
      lastTransitionTime: timestamp(now),
      reason: heard ? 'KubeletReady' : 'NodeStatusUnknown',
      message: heard ? 'kubelet is posting ready status' : 'Kubelet stopped posting node status.',
    };
    return [...known.filter(condition => condition['type'] !== 'Ready'), next];
  }
}

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);

const ready = (conditions: readonly JsonObject[]): string | undefined => {
  const status = conditions.find(condition => condition['type'] === 'Ready')?.['status'];
  return typeof status === 'string' ? status : undefined;
};

/** The taints that follow from the Ready condition; without one, a node keeps the taints it has. */
function withTaints(spec: JsonObject, status: string | undefined): JsonObject {
  if (status === undefined) return spec;
  const before = objects(spec['taints']);
  const others = before.filter(taint => taint['key'] !== NOT_READY && taint['key'] !== UNREACHABLE);
  const key = status === 'True' ? undefined : status === 'Unknown' ? UNREACHABLE : NOT_READY;
  const own =
    key === undefined
      ? []
      : [
          { key, effect: 'NoSchedule' },
          { key, effect: 'NoExecute' },
        ];
  const kept = own.map(taint => before.find(known => known['key'] === taint.key && known['effect'] === taint.effect) ?? taint);
  const taints = [...others, ...kept];
  const { taints: _taints, ...rest } = spec;
  return taints.length === 0 ? rest : { ...rest, taints };
}
