import type { AnnouncedAddress, Announcement, BGPAdvertisementConfig, Config } from '@herald/crds';

/** A configuration of BGPAdvertisements alone. For tests, as all of this. */
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
