import type { AnnouncedAddress, Announcement, BGPAdvertisementConfig, Config } from '@herald/crds';

/** A BGPAdvertisement of the pool `lan`. For tests, as all of this. */
export const ad = (name: string, more: Partial<BGPAdvertisementConfig> = {}): BGPAdvertisementConfig => ({
  ref: { apiVersion: 'heraldlb.io/v1beta1', kind: 'BGPAdvertisement', namespace: 'herald-system', name },
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
});
export const config = (...bgpAdvertisements: BGPAdvertisementConfig[]): Config => ({
  pools: [],
  reservations: [],
  l2Advertisements: [],
  bgpAdvertisements,
  peers: [],
  bfdProfiles: new Map(),
  communities: new Map(),
});
/** An Announcement of addresses, each with its part for BGP. */
export const announcement = (name: string, ...addresses: [ip: string, bgp?: AnnouncedAddress['bgp']][]): Announcement => ({
  apiVersion: 'heraldlb.io/v1beta1',
  kind: 'Announcement',
  metadata: { name, namespace: 'default' },
  spec: { addresses: addresses.map(([ip, bgp]) => ({ ip, pool: 'lan', ...(bgp ? { bgp } : {}) })) },
});
