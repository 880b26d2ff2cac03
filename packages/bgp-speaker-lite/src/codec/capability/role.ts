import { CapabilityCode, type CapabilityCodec } from './codes.ts';

/** BGP role (RFC 9234 §4.1): what the sender is to the receiver. */
export interface RoleCapability {
  readonly code: typeof CapabilityCode.ROLE;
  readonly role: number;
}

export type Role = 'provider' | 'rs' | 'rs-client' | 'customer' | 'peer';

/** The role a name stands for on the wire (RFC 9234 table 1). */
export const ROLE_VALUES: Readonly<Record<Role, number>> = { provider: 0, rs: 1, 'rs-client': 2, customer: 3, peer: 4 };

const PAIRS: Readonly<Record<number, number>> = { 0: 3, 3: 0, 1: 2, 2: 1, 4: 4 };

/** Whether two roles may face each other (RFC 9234 table 2). */
export function rolesMatch(local: number, remote: number): boolean {
  return PAIRS[local] === remote;
}

export function roleName(value: number): string {
  return Object.entries(ROLE_VALUES).find(([, known]) => known === value)?.[0] ?? `role ${value}`;
}

export const role: CapabilityCodec<RoleCapability> = {
  code: CapabilityCode.ROLE,
  decode: value => (value.length === 1 ? { code: CapabilityCode.ROLE, role: value[0] as number } : undefined),
  encode: (capability, writer) => void writer.u8(capability.role),
};
