import type { BGPAdvertisementConfig, PeerConfig } from './config.ts';

const ref = (kind: string, name: string) => ({ apiVersion: 'heraldlb.io/v1beta1', kind, namespace: 'herald-system', name });

/** A resolved BGPAdvertisement of the pool `lan`, with nothing special about it. For tests, as all of this. */
export function bgpAdvertisement(name: string, more: Partial<BGPAdvertisementConfig> = {}): BGPAdvertisementConfig {
  return {
    ref: ref('BGPAdvertisement', name),
    name,
    pools: new Set(['lan']),
    nodeSelectors: [],
    serviceSelectors: [],
    aggregationLength: 32,
    aggregationLengthV6: 128,
    localPref: null,
    med: null,
    asPathPrepend: 0,
    communities: [],
    nextHop: { ipv4: null, ipv6: null },
    peers: null,
    weightByEndpoints: false,
    ...more,
  };
}

/** A resolved BGPPeer with a session on every node, and nothing special about it. */
export function bgpPeer(name: string, more: Partial<PeerConfig> = {}): PeerConfig {
  return {
    ref: ref('BGPPeer', name),
    name,
    nodeSelectors: [],
    myASN: 64500,
    peerASN: 64501,
    localASN: null,
    peerAddress: { family: 4, value: 0x0a000001n },
    interface: null,
    sourceAddress: null,
    port: 179,
    passive: false,
    holdTime: 90_000,
    keepaliveTime: 30_000,
    connectTime: 10_000,
    routerID: null,
    vrf: null,
    ebgpMultiHop: false,
    addressFamilies: ['ipv4'],
    multiprotocol: true,
    authentication: { type: 'none' },
    gtsmHops: null,
    role: null,
    bfd: null,
    gracefulRestart: null,
    waitingFor: null,
    ...more,
  };
}
