import { Reader } from '../reader.ts';
import { CapabilityCode, type CapabilityCodec } from './codes.ts';

/** Host name of the speaker (draft-walton-bgp-hostname-capability): what FRR shows beside the peer's address. Raw octets, usually UTF-8. */
export interface Fqdn {
  readonly code: typeof CapabilityCode.FQDN;
  readonly hostname: Uint8Array;
  readonly domain: Uint8Array;
  /** What stands behind the two names; nothing should. */
  readonly trailing: Uint8Array;
}

export const fqdn: CapabilityCodec<Fqdn> = {
  code: CapabilityCode.FQDN,

  decode(value) {
    const reader = new Reader(value);
    const hostname = reader.take(reader.u8());
    const domain = reader.take(reader.u8());
    return { code: CapabilityCode.FQDN, hostname, domain, trailing: reader.rest() };
  },

  encode({ hostname, domain, trailing }, writer) {
    writer.u8(hostname.length).bytes(hostname).u8(domain.length).bytes(domain).bytes(trailing);
  },
};
