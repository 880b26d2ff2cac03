import type { MetalLBSource } from '@herald/crds';
import type { Client, TransportOptions } from '@herald/kube';
import type { ListenAddress, Logger } from '@herald/process';
import type { NodeModeOptions } from './node-mode/index.ts';

/** What `herald controller` is told. */
export interface ControllerOptions {
  logger: Logger;
  /** Herald's version, for metrics and the User-Agent. */
  version: string;
  /** Connects to the API server. */
  connect: (options: TransportOptions) => Promise<Client>;
  /** Where Herald's own objects live. */
  namespace: string;
  /** Read MetalLB's objects beside Herald's; undefined: do not. */
  metallb?: MetalLBSource | undefined;
  /** For probes and metrics; undefined: do not listen. */
  listen?: ListenAddress | undefined;
  /** Calls per second to the API server; 0: no limit. */
  qps: number;
  burst: number;
  /** Serve Services of this `spec.loadBalancerClass`; null: those without one. */
  loadBalancerClass: string | null;
  /** Announce from nodes that carry the label `node.kubernetes.io/exclude-from-external-load-balancers`, too. */
  ignoreExcludeLabel?: boolean | undefined;
  /** How long an address is given to nobody after another machine was found on it (ms); 0: who holds it keeps it. Default: 10 minutes. */
  conflictQuarantineMs?: number | undefined;
  /** Services of class `heraldlb.io/node`. Default: no limit, the usual protected ports, classless Services are not among them. */
  nodeMode?: Partial<NodeModeOptions> | undefined;
  /** Unique among the replicas. */
  identity: string;
  /** Undefined: work without a lease. */
  leaderElection?: LeaderElectionOptions | undefined;
}

export interface LeaderElectionOptions {
  /** Name of the Lease, in `namespace`. */
  name: string;
  leaseDurationMs: number;
  renewDeadlineMs: number;
  retryPeriodMs: number;
}
