/** A 48-bit MAC address as lower-case text with colons: `02:00:5e:00:00:01`. */
export type Mac = string;

export const BROADCAST_MAC: Mac = 'ff:ff:ff:ff:ff:ff';
export const ZERO_MAC: Mac = '00:00:00:00:00:00';

export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;

/** Octets of destination, source and EtherType: IEEE 802.3 without a VLAN tag. */
export const ETHERNET_HEADER = 14;

export interface EthernetHeader {
  destination: Mac;
  source: Mac;
  etherType: number;
}

const HEX = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));

/** Reads six octets as a MAC. The caller has checked that they are there. */
export function readMac(octets: Uint8Array, offset: number): Mac {
  const at = (index: number) => HEX[octets[offset + index] ?? 0];
  return `${at(0)}:${at(1)}:${at(2)}:${at(3)}:${at(4)}:${at(5)}`;
}

/** Writes six octets; `mac` is one of our own texts, so its form is known. */
export function writeMac(octets: Uint8Array, offset: number, mac: Mac): void {
  for (let index = 0; index < 6; index++) octets[offset + index] = Number.parseInt(mac.slice(index * 3, index * 3 + 2), 16);
}

/** `AA-BB-…` and `aa:bb:…` alike; undefined for anything that is no MAC. */
export function parseMac(text: string): Mac | undefined {
  const mac = text.toLowerCase().replaceAll('-', ':');
  return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac) ? mac : undefined;
}

/** Group bit of the first octet: multicast and broadcast. */
export function isGroupMac(mac: Mac): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}

/** undefined when there are fewer than 14 octets. */
export function decodeEthernet(frame: Uint8Array): EthernetHeader | undefined {
  if (frame.length < ETHERNET_HEADER) return undefined;
  return { destination: readMac(frame, 0), source: readMac(frame, 6), etherType: ((frame[12] ?? 0) << 8) | (frame[13] ?? 0) };
}

/** Writes the header at the front of `frame`. */
export function encodeEthernet(frame: Uint8Array, header: EthernetHeader): void {
  writeMac(frame, 0, header.destination);
  writeMac(frame, 6, header.source);
  frame[12] = header.etherType >> 8;
  frame[13] = header.etherType & 0xff;
}
