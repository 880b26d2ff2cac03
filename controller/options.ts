import type { Client, TransportOptions } from '@herald/kube';
import type { ListenAddress, Logger } from '@herald/process';

/** What `herald controller` is told. */
export interface ControllerOptions {
  logger: Logger;
  /** Connects to the API server. */
  connect: (options: TransportOptions) => Promise<Client>;
  /** Where Herald's own objects live. */
  namespace: string;
  /** For probes and metrics; undefined: do not listen. */
  listen?: ListenAddress | undefined;
  /** Calls per second to the API server; 0: no limit. */
  qps: number;
  burst: number;
  /** Serve Services of this `spec.loadBalancerClass`; null: those without one. */
  loadBalancerClass: string | null;
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
