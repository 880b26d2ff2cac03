/** A BFD session (RFC 5880). Times in milliseconds. */
export interface BfdOptions {
  /** Desired Min TX Interval; 300 when left out. At least 10. */
  readonly transmitInterval?: number;
  /** Required Min RX Interval; 300 when left out. At least 10. */
  readonly receiveInterval?: number;
  /** Detection time multiplier, 1–255; 3 when left out. */
  readonly detectMultiplier?: number;
  /**
   * Required Min Echo RX: the peer may send echo packets this often, which the kernel of this machine sends back to it (RFC 5880 §6.4). Only for
   * neighbours on the link, where the kernel forwards (`net.ipv4.ip_forward`, `net.ipv6.conf.all.forwarding`); none when left out.
   */
  readonly echoInterval?: number;
  /**
   * Send echo packets of our own this often, or as seldom as the peer asks: it sends them back without looking at them, and when
   * `detectMultiplier` of them are missing the session goes down. Only to neighbours on an Ethernet link that offer it; none when left out.
   * Needs CAP_NET_RAW.
   */
  readonly echoTransmitInterval?: number;
  /** Send nothing until the peer has (RFC 5880 §6.1). */
  readonly passive?: boolean;
  /** Least TTL accepted over several hops (RFC 5883); 254 when left out. Only where the peer is `multihop`. */
  readonly minimumTtl?: number;
  /** Authentication (RFC 5880 §6.7); the key is never shown. */
  readonly authentication?: BfdAuthentication;
}

export interface BfdAuthentication {
  readonly type: 'simple' | 'keyed-md5' | 'meticulous-keyed-md5' | 'keyed-sha1' | 'meticulous-keyed-sha1';
  /** 0–255; both sides must use the same. */
  readonly keyId: number;
  /** 1–16 octets, or up to 20 for SHA1. */
  readonly key: string;
}
