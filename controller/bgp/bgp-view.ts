import { type ConditionOutcome, type Config, emptyConfig, type PeerConfig } from '@herald/crds';
import type { Wire } from '@herald/kube';
import type { V1Node } from '@kubernetes/client-node';
import type { Caches } from '../caches.ts';
import { nodeOf } from '../planner/index.ts';
import { type PeerSummary, summarize } from './peer-status.ts';
import { BGPSessions, type SessionNode } from './sessions.ts';

/** What of a Node sessions depend on, to tell a change from a kubelet's heartbeat. */
export function sessionNodeOf(node: Wire<V1Node>): SessionNode {
  const { name, labels, ready } = nodeOf(node);
  return { name, labels, ready };
}

/** The BGP sessions of the cluster as they are now; worked out when asked for, and again after a change. */
export class BGPView {
  readonly #caches: Pick<Caches, 'nodes' | 'speakers'>;
  #config: Config = emptyConfig;
  #sessions: BGPSessions | undefined;
  #nodes: readonly SessionNode[] | undefined;

  constructor(caches: Pick<Caches, 'nodes' | 'speakers'>) {
    this.#caches = caches;
  }

  configure(config: Config): void {
    this.#config = config;
    this.#sessions = undefined;
  }

  /** A node or a speaker changed. */
  changed(): void {
    this.#sessions = undefined;
    this.#nodes = undefined;
  }

  get sessions(): BGPSessions {
    return (this.#sessions ??= new BGPSessions(this.#config, this.#sessionNodes(), this.#caches.speakers.list()));
  }

  peer(peer: PeerConfig | undefined, ready: ConditionOutcome | undefined): PeerSummary {
    const speakers = new Map(this.#caches.speakers.list().map(speaker => [speaker.metadata.name, speaker]));
    return summarize(peer, ready, this.#sessionNodes(), speakers);
  }

  #sessionNodes(): readonly SessionNode[] {
    return (this.#nodes ??= this.#caches.nodes.list().map(sessionNodeOf));
  }
}
