import type { Speaker } from '@herald/crds';
import type { Clock, InformerEvent, Timer, Wire } from '@herald/kube';
import type { V1Node } from '@kubernetes/client-node';
import type { DesiredAnnouncement } from '../announcement-writer.ts';
import type { Caches } from '../caches.ts';
import { endpointsOf, nodeOf } from '../planner/index.ts';
import { type ConditionText, ingressAddresses, type Service } from '../service-status.ts';
import { assignNodes, type NodeAnswer } from './assign.ts';
import { forwardOf } from './forwarding.ts';
import { nodeClass, nodeServiceOf, type ServingNode } from './inputs.ts';
import { livenessOf } from './liveness.ts';
import { LivenessWatch } from './liveness-watch.ts';
import { forwardingOfSpeaker, relevantOfNode, servingNode } from './node-view.ts';
import type { ProtectedPorts } from './protected-ports.ts';

export interface NodeModeOptions {
  /** Serve Services without a class, too. */
  readonly classless: boolean;
  /** At most so many nodes per Service; 0: all. */
  readonly maxNodes: number;
  readonly protectedPorts: ProtectedPorts;
  /** List nodes that carry the label `node.kubernetes.io/exclude-from-external-load-balancers`, as ServiceLB does. */
  readonly ignoreExcludeLabel: boolean;
}

/** A change of a list, for an event. */
export interface NodeListChange {
  readonly event: 'UpdatedLoadBalancer' | 'UnAvailableLoadBalancer';
  readonly message: string;
}

interface Surroundings {
  caches: Caches;
  clock: Clock;
  options: NodeModeOptions;
  /** The Service as this process knows it. */
  latest: (key: string) => Service | undefined;
  /** Called after each settling with the Services whose answer changed. */
  onSettled: (answers: readonly { answer: NodeAnswer; changes: readonly NodeListChange[] }[]) => void;
}

/** Changes of nodes and endpoints come in bursts; the lists are made at most so often (ms). */
const pause = 20;

/** Node mode with its surroundings: which Services it serves, and what each of them lists. */
export class NodeMode {
  readonly #options: NodeModeOptions;
  readonly #caches: Caches;
  readonly #clock: Clock;
  readonly #latest: (key: string) => Service | undefined;
  readonly #onSettled: Surroundings['onSettled'];
  readonly #liveness: LivenessWatch;
  readonly #keys = new Set<string>();
  #answers = new Map<string, NodeAnswer>();
  #proxyKnown = true;
  #begun = false;
  #timer: Timer | undefined;

  constructor({ caches, clock, options, latest, onSettled }: Surroundings) {
    this.#caches = caches;
    this.#clock = clock;
    this.#options = options;
    this.#latest = latest;
    this.#onSettled = onSettled;
    this.#liveness = new LivenessWatch(
      clock,
      () => this.#speakers(),
      () => this.#schedule(),
    );
  }

  isOurs(service: Service): boolean {
    const { type, loadBalancerClass } = service.spec ?? {};
    if (type !== 'LoadBalancer') return false;
    return loadBalancerClass === undefined || loadBalancerClass === '' ? this.#options.classless : loadBalancerClass === nodeClass;
  }

  answer(key: string): NodeAnswer | undefined {
    return this.#answers.get(key);
  }

  announced(key: string): ConditionText {
    const answer = this.#answers.get(key);
    if (answer?.satisfied !== true) return { status: 'False', reason: 'NotAllocated', message: 'The Service has no address to announce.' };
    const forwarded = answer.ipMode === 'Proxy' ? '; their speakers forward, because kube-proxy works in IPVS mode' : '';
    return { status: 'True', reason: 'ServedByNodes', message: `the nodes own their addresses themselves${forwarded}` };
  }

  /** What the speakers have to forward themselves; null: nothing. */
  announcement(key: string): DesiredAnnouncement | null {
    const answer = this.#answers.get(key);
    const service = this.#latest(key);
    if (answer === undefined || answer.ipMode !== 'Proxy' || answer.nodes.length === 0 || service?.spec === undefined) return null;
    const slices = this.#caches.slices.byIndex('service', key);
    return { spec: { addresses: [], forward: forwardOf(service.spec, slices, answer.nodes) }, nodes: [], keeps: [] };
  }

  /** A Service appeared, changed or went. */
  service(key: string): void {
    const service = this.#latest(key);
    if (service !== undefined && this.isOurs(service)) this.#keys.add(key);
    else if (!this.#keys.delete(key)) return;
    this.#schedule();
  }

  /** The endpoints of a Service changed. */
  endpoints(key: string): void {
    if (this.#keys.has(key)) this.#schedule();
  }

  node(event: InformerEvent<Wire<V1Node>>): void {
    if (event.type === 'synced' || (event.type === 'updated' && relevantOfNode(event.old) === relevantOfNode(event.object))) return;
    if (event.type !== 'updated') this.#heard();
    this.#schedule();
  }

  speaker(event: InformerEvent<Speaker>): void {
    if (event.type === 'synced') return;
    if (event.type !== 'updated' || livenessOf(event.old) !== livenessOf(event.object)) this.#heard();
    if (event.type !== 'updated' || forwardingOfSpeaker(event.old) !== forwardingOfSpeaker(event.object)) this.#schedule();
  }

  /** The API server does not know `ipMode`: under IPVS nothing may be listed. */
  withoutIPMode(): void {
    this.#proxyKnown = false;
    this.#schedule();
  }

  /** Every cache is complete and has been told of. */
  begin(): void {
    this.#begun = true;
    this.#liveness.begin();
    this.settle();
  }

  stop(): void {
    this.#begun = false;
    this.#timer?.cancel();
    this.#liveness.stop();
  }

  #heard(): void {
    if (this.#begun) this.#liveness.update();
  }

  /** Makes every list anew at once, and tells which are others than before. */
  settle(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!this.#begun) return;
    const services = [...this.#keys].flatMap(key => this.#latest(key) ?? []);
    const views = services.map(service => {
      const key = `${service.metadata.namespace ?? ''}/${service.metadata.name}`;
      const readyNodes = new Set(endpointsOf(this.#caches.slices.byIndex('service', key)).ready.keys());
      return nodeServiceOf(service, { readyNodes, listed: this.#listed(key, service), maxNodes: this.#options.maxNodes });
    });
    const before = this.#answers;
    this.#answers = assignNodes(this.#nodes(), views, this.#options);
    const news = views.flatMap(({ key, listed }) => {
      const answer = this.#answers.get(key);
      const old = before.get(key);
      if (answer === undefined || (old !== undefined && JSON.stringify(old) === JSON.stringify(answer))) return [];
      return [{ answer, changes: changesOf(listed, answer, old === undefined) }];
    });
    if (news.length > 0) this.#onSettled(news);
  }

  /** What was listed last: our own last answer, of which the status may not have heard yet, or after a restart the status. */
  #listed(key: string, service: Service): readonly string[] {
    return this.#answers.get(key)?.addresses ?? ingressAddresses(service);
  }

  #nodes(): ServingNode[] {
    const { ignoreExcludeLabel } = this.#options;
    return this.#caches.nodes.list().map(node => {
      const { name } = node.metadata;
      const alive = this.#liveness.alive(name, nodeOf(node).ready);
      const view = servingNode(node, this.#caches.speakers.get(name), { alive, ignoreExcludeLabel });
      return this.#proxyKnown ? view : { ...view, forwards: false };
    });
  }

  /** A Speaker that outlived its Node says nothing. */
  #speakers(): Speaker[] {
    return this.#caches.speakers.list().filter(({ metadata }) => this.#caches.nodes.get(metadata.name) !== undefined);
  }

  #schedule(): void {
    if (!this.#begun) return;
    this.#timer ??= this.#clock.after(pause, () => this.settle());
  }
}

/** The texts are ServiceLB's, because scripts and alerts know them. */
function changesOf(listed: readonly string[], answer: NodeAnswer, first: boolean): NodeListChange[] {
  const changed = listed.join() !== answer.addresses.join();
  if (answer.addresses.length === 0 && (changed || first))
    return [{ event: 'UnAvailableLoadBalancer', message: 'There are no available nodes for LoadBalancer' }];
  if (!changed) return [];
  return [
    {
      event: 'UpdatedLoadBalancer',
      message: `Updated LoadBalancer with new IPs: [${listed.join(', ')}] -> [${answer.addresses.join(', ')}]`,
    },
  ];
}
