import type { MetalLBSource } from '@herald/crds';
import type { Clock, Random } from '@herald/kube';
import type { ListenAddress, Logger } from '@herald/process';
import type { MeshProfile } from './mesh/timers.ts';

/** UDP port of the heartbeats. */
export const MESH_PORT = 7947;
/** Secret with the key of the heartbeats, in Herald's namespace: data `key`, and while it is rotated `previous`. */
export const MESH_SECRET = 'herald-mesh';

/** What `herald speaker` is told. */
export interface SpeakerOptions {
  logger: Logger;
  /** The process's environment: where the API server is, inside a cluster. */
  env: Record<string, string | undefined>;
  version: string;
  kubeconfig?: string | undefined;
  context?: string | undefined;
  /** Where Herald's own objects live. */
  namespace: string;
  /** Read MetalLB's objects beside Herald's; undefined: do not. */
  metallb?: MetalLBSource | undefined;
  /** For probes and metrics; undefined: do not listen. */
  listen?: ListenAddress | undefined;
  /** Calls per second to the API server; 0: no limit. */
  qps: number;
  burst: number;
  /** Name of the Node object of this machine. */
  nodeName: string;
  /** Name of the DaemonSet that runs this speaker, in `namespace`: when it is deleted, the end of the process is no restart. Undefined: none. */
  daemonSet?: string | undefined;
  /** Default 7947. */
  meshPort?: number | undefined;
  /** Default `default`: a lost node is noticed within 400 ms. */
  meshProfile?: MeshProfile | undefined;
  /** File with the key of the heartbeats, in place of the Secret. */
  meshKeyFile?: string | undefined;
  /** Name of the Secret; default `herald-mesh`. */
  meshSecret?: string | undefined;
  /** Where the last configuration is kept for a start without the API server; undefined: nowhere. */
  snapshotDir?: string | undefined;
  /** Names of interfaces never used, as regular expressions, in place of the built-in list. */
  excludeInterfaces?: readonly string[] | undefined;
  /** `auto` answers in the kernel where that is permitted, `packet` never does. */
  responder?: 'auto' | 'packet' | undefined;
  /** Directory on a BPF file system, for what the kernel answers while the speaker restarts; undefined: it does not. */
  pinDirectory?: string | undefined;
  /** Answer new clients of a node whose speaker is away with that node's MAC. Default true; ARP inspection may refuse it. */
  caretaker?: boolean | undefined;
  /** Accept BGP connections here, beside opening them; undefined: open only. A passive peer needs it. */
  bgpListen?: { readonly port: number; readonly addresses?: readonly string[] } | undefined;
  /** Forward for Services of class `heraldlb.io/node` where kube-proxy works in IPVS mode (needs CAP_NET_ADMIN). Default: no. */
  nodeForwarding?: boolean | undefined;
  /** How long routes stay on leaving, marked with GRACEFUL_SHUTDOWN (ms); default 2,000. */
  bgpDrainTimeMs?: number | undefined;
  /** Announce although the node carries the label `node.kubernetes.io/exclude-from-external-load-balancers`; as the controller is told. */
  ignoreExcludeLabel?: boolean | undefined;
  /** How long the addresses of a silent speaker are held where the L2Advertisement does not say (ms); default 30,000; 0: not at all. */
  holdTimeMs?: number | undefined;
  /** How long a planned move goes on for established connections where the L2Advertisement does not say (ms); default 60,000. */
  drainTimeMs?: number | undefined;
  /** Count established connections by the kernel's connection tracking, so that planned moves end with the last one. Default true. */
  countFlows?: boolean | undefined;
  /** Longest time to hand addresses over on SIGTERM, and to wait for established connections (ms); default 20,000. */
  leaveDeadlineMs?: number | undefined;
  clock?: Clock | undefined;
  random?: Random | undefined;
}
