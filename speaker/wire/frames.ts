import type { Announcement } from '../layer2/announcer.ts';
import { arpProbe, directedArp, encodeArp, gratuitousArp } from '../layer2/arp.ts';
import type { Mac } from '../layer2/ethernet.ts';
import { ALL_NODES, ALL_ROUTERS, detectionSolicitation, directedSolicitation, encodeNdp, unsolicitedAdvertisement } from '../layer2/ndp.ts';
import { familyOf } from '../layer2/octets.ts';

/** The frames of one announcement, for the family of its address. */
export function announcementFrames(announcement: Announcement, mac: Mac): Buffer[] {
  const { ip } = announcement;
  if (familyOf(ip) === 4) {
    return [encodeArp(announcement.kind === 'gratuitous' ? gratuitousArp(ip, mac) : directedArp(ip, mac, announcement.neighbour))];
  }
  if (announcement.kind === 'directed') return [encodeNdp(directedSolicitation(ip, mac, announcement.neighbour))];
  // Routers create an entry from the second one (RFC 9131), hosts update theirs from the first.
  return ([ALL_NODES, ALL_ROUTERS] as const).map(group => encodeNdp(unsolicitedAdvertisement(ip, mac, group)));
}

/** Asks whether somebody has the address. */
export function probeFrame(ip: string, mac: Mac): Buffer {
  return familyOf(ip) === 4 ? encodeArp(arpProbe(ip, mac)) : encodeNdp(detectionSolicitation(ip, mac));
}

/** Asks a gateway or witness for its address, from our node's own: the answer proves that packets pass. */
export function uplinkFrame(own: string, mac: Mac, neighbour: { ip: string; mac?: Mac | undefined }): Buffer {
  return familyOf(own) === 4 ? encodeArp(directedArp(own, mac, neighbour)) : encodeNdp(directedSolicitation(own, mac, neighbour));
}
