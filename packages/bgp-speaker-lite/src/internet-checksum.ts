/** The checksum of IP, UDP and ICMP (RFC 1071) over parts laid end to end; all but the last of an even length. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) for (let i = 0; i < part.length; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** What the checksum of UDP and ICMPv6 covers beside the message (RFC 768, RFC 8200 §8.1): both addresses, the length and the protocol. */
export function pseudoHeader(source: Uint8Array, destination: Uint8Array, length: number, protocol: number): Uint8Array {
  const header = new Uint8Array(source.length + destination.length + 8);
  header.set(source);
  header.set(destination, source.length);
  const view = new DataView(header.buffer, source.length + destination.length);
  view.setUint32(0, length);
  view.setUint32(4, protocol);
  return header;
}
