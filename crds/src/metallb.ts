/** Where one of MetalLB's kinds lives in the API. */
export interface MetalLBKind {
  readonly group: string;
  /** Served by every version of MetalLB since 0.13, the best first. Which of them a cluster serves is found out by asking for them in turn. */
  readonly versions: readonly [string, ...string[]];
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: true;
}

const group = 'metallb.io';

/** The kinds that make up MetalLB's configuration. `resolve` takes their objects beside Herald's. */
export const metallbKinds: readonly MetalLBKind[] = [
  { group, versions: ['v1beta1'], plural: 'ipaddresspools', kind: 'IPAddressPool', namespaced: true },
  { group, versions: ['v1beta1'], plural: 'l2advertisements', kind: 'L2Advertisement', namespaced: true },
  { group, versions: ['v1beta1'], plural: 'bgpadvertisements', kind: 'BGPAdvertisement', namespaced: true },
  { group, versions: ['v1beta2', 'v1beta1'], plural: 'bgppeers', kind: 'BGPPeer', namespaced: true },
  { group, versions: ['v1beta1'], plural: 'bfdprofiles', kind: 'BFDProfile', namespaced: true },
  { group, versions: ['v1beta1'], plural: 'communities', kind: 'Community', namespaced: true },
];

/** How MetalLB's objects are read beside Herald's. */
export interface MetalLBSource {
  /** Where they live. */
  readonly namespace: string;
  /** How often a kind that the cluster lacks is looked for (ms); default 30,000. */
  readonly absentRetryMs?: number | undefined;
}

/** Default of {@link MetalLBSource.absentRetryMs}. */
export const METALLB_ABSENT_RETRY = 30_000;
