import type { AnyKind } from '../define.ts';
import { announcement } from './announcement.ts';
import { bfdProfile } from './bfd-profile.ts';
import { bgpAdvertisement } from './bgp-advertisement.ts';
import { bgpPeer } from './bgp-peer.ts';
import { community } from './community.ts';
import { ipAddressPool } from './ip-address-pool.ts';
import { ipReservation } from './ip-reservation.ts';
import { l2Advertisement } from './l2-advertisement.ts';
import { speaker } from './speaker.ts';

/** Every kind of Herald: those a user writes first, then those Herald writes. */
export const kinds: readonly AnyKind[] = [
  ipAddressPool,
  ipReservation,
  l2Advertisement,
  bgpAdvertisement,
  bgpPeer,
  bfdProfile,
  community,
  announcement,
  speaker,
];
