/** The address families this speaker announces (RFC 4760 §9: AFI 1 or 2 with SAFI 1). */
export type Family = 'ipv4-unicast' | 'ipv6-unicast';

export const FAMILIES: readonly Family[] = ['ipv4-unicast', 'ipv6-unicast'];

export const AFI_IPV4 = 1;
export const AFI_IPV6 = 2;
export const SAFI_UNICAST = 1;

/** AFI and SAFI as they stand on the wire. */
export interface AfiSafi {
  readonly afi: number;
  readonly safi: number;
}

const WIRE: Record<Family, AfiSafi> = {
  'ipv4-unicast': { afi: AFI_IPV4, safi: SAFI_UNICAST },
  'ipv6-unicast': { afi: AFI_IPV6, safi: SAFI_UNICAST },
};

export function afiSafi(family: Family): AfiSafi {
  return WIRE[family];
}

/** The family of an AFI and SAFI, or undefined for one this speaker does not speak. */
export function familyOf({ afi, safi }: AfiSafi): Family | undefined {
  if (safi !== SAFI_UNICAST) return undefined;
  if (afi === AFI_IPV4) return 'ipv4-unicast';
  return afi === AFI_IPV6 ? 'ipv6-unicast' : undefined;
}

/** Bits of an address of this AFI, or undefined when it is neither IPv4 nor IPv6. */
export function addressBits(afi: number): number | undefined {
  if (afi === AFI_IPV4) return 32;
  return afi === AFI_IPV6 ? 128 : undefined;
}
