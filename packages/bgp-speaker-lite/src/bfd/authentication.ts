import { createHash, timingSafeEqual } from 'node:crypto';
import type { BfdAuthentication } from './options.ts';
import { type ControlPacket, encodeControlPacket } from './packet.ts';

/** Types of the authentication section (RFC 5880 §4.1). */
const TYPES: Readonly<Record<BfdAuthentication['type'], number>> = {
  simple: 1,
  'keyed-md5': 2,
  'meticulous-keyed-md5': 3,
  'keyed-sha1': 4,
  'meticulous-keyed-sha1': 5,
};

/** Octets before the digest: the 24 mandatory ones, type, length, key ID, reserved and the sequence number. */
const DIGEST_OFFSET = 24 + 8;
const U32 = 0x1_0000_0000;

interface Scheme {
  readonly type: number;
  readonly keyId: number;
  readonly key: Uint8Array;
  readonly hash: { readonly name: 'md5' | 'sha1'; readonly length: number } | undefined;
  readonly meticulous: boolean;
}

function scheme(options: BfdAuthentication): Scheme {
  const type = TYPES[options.type];
  const hash = type === 1 ? undefined : type <= 3 ? { name: 'md5' as const, length: 16 } : { name: 'sha1' as const, length: 20 };
  return { type, keyId: options.keyId, key: new TextEncoder().encode(options.key), hash, meticulous: type === 3 || type === 5 };
}

function digest(datagram: Uint8Array, { key, hash }: Scheme): Uint8Array {
  if (!hash) return key;
  const input = new Uint8Array(datagram);
  input.fill(0, DIGEST_OFFSET);
  input.set(key.subarray(0, hash.length), DIGEST_OFFSET);
  return createHash(hash.name).update(input).digest();
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The authentication of one session (RFC 5880 §6.7): signs what is sent and checks what comes. */
export class Authenticator {
  readonly #scheme: Scheme;
  /** bfd.XmitAuthSeq. */
  #sendSequence: number;
  /** bfd.RcvAuthSeq, once bfd.AuthSeqKnown. */
  #receivedSequence: number | undefined;

  constructor(options: BfdAuthentication, firstSequence: number) {
    this.#scheme = scheme(options);
    this.#sendSequence = firstSequence >>> 0;
  }

  /** The packet as octets with its authentication section. */
  sign(packet: ControlPacket): Uint8Array {
    const { type, keyId, key, hash } = this.#scheme;
    if (!hash) {
      const section = Uint8Array.from([type, 3 + key.length, keyId, ...key]);
      return encodeControlPacket({ ...packet, authenticationPresent: true, authentication: section });
    }
    // Meticulous schemes must, and the others may, count every packet.
    this.#sendSequence = (this.#sendSequence + 1) % U32;
    const section = new Uint8Array(8 + hash.length);
    section.set([type, section.length, keyId, 0]);
    new DataView(section.buffer).setUint32(4, this.#sendSequence);
    const datagram = encodeControlPacket({ ...packet, authenticationPresent: true, authentication: section });
    datagram.set(digest(datagram, this.#scheme), DIGEST_OFFSET);
    return datagram;
  }

  /** Why a received packet is not authentic, or undefined when it is. */
  check(datagram: Uint8Array, packet: ControlPacket): string | undefined {
    const { type, keyId, key, hash, meticulous } = this.#scheme;
    const section = packet.authentication;
    if (section[0] !== type || section[1] !== section.length) return 'another authentication type';
    if (section[2] !== keyId) return `unknown key ID ${section[2]}`;
    if (!hash) return equal(section.subarray(3), key) ? undefined : 'wrong password';
    if (section.length !== 8 + hash.length) return 'digest of another length';
    const sequence = new DataView(section.buffer, section.byteOffset).getUint32(4);
    const known = this.#receivedSequence;
    if (known !== undefined) {
      const ahead = (sequence - known + U32) % U32;
      if (ahead > 3 * packet.detectMultiplier || (meticulous && ahead === 0)) return 'sequence number out of range (a replayed packet?)';
    }
    const length = 24 + section.length;
    if (!equal(section.subarray(8), digest(datagram.subarray(0, length), this.#scheme))) return 'wrong digest';
    this.#receivedSequence = sequence;
    return undefined;
  }

  /** Nothing has been heard for two detection times: any sequence number goes (RFC 5880 §6.8.1, bfd.AuthSeqKnown). */
  forgetSequence(): void {
    this.#receivedSequence = undefined;
  }
}
