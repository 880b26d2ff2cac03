import { isRead, modulesBy } from '../modules.ts';
import type { Reader } from '../reader.ts';
import type { Writer } from '../writer.ts';
import { type Aggregator, type As4Aggregator, type AtomicAggregate, aggregator, as4Aggregator, atomicAggregate } from './aggregator.ts';
import { type As4Path, type AsPath, as4Path, asPath } from './as-path.ts';
import { type AttributeCodec, type AttributeContext, AttributeError, AttributeFlag, type AttributeHeader, AttributeType } from './codec.ts';
import {
  type Communities,
  communities,
  type ExtendedCommunities,
  extendedCommunities,
  type LargeCommunities,
  largeCommunities,
} from './communities.ts';
import { type LocalPref, localPref, type MultiExitDisc, multiExitDisc } from './metrics.ts';
import { type MpReach, type MpUnreach, mpReach, mpUnreach } from './mp-reach.ts';
import { type NextHop, nextHop } from './next-hop.ts';
import { type Origin, origin } from './origin.ts';
import { type ClusterList, clusterList, type OnlyToCustomer, type OriginatorId, onlyToCustomer, originatorId } from './reflection.ts';

/** An attribute this package has no module for, or a malformed one that is kept for the record only. */
export interface UnknownAttribute extends AttributeHeader {
  readonly value: Uint8Array;
}

type KnownAttribute =
  | Origin
  | AsPath
  | NextHop
  | MultiExitDisc
  | LocalPref
  | AtomicAggregate
  | Aggregator
  | Communities
  | OriginatorId
  | ClusterList
  | MpReach
  | MpUnreach
  | ExtendedCommunities
  | As4Path
  | As4Aggregator
  | LargeCommunities
  | OnlyToCustomer;

/** One path attribute of an UPDATE. */
export type Attribute = KnownAttribute | UnknownAttribute;

const CODECS = modulesBy<AttributeCodec<KnownAttribute>>(
  codec => codec.type,
  [
    origin,
    asPath,
    nextHop,
    multiExitDisc,
    localPref,
    atomicAggregate,
    aggregator,
    communities,
    originatorId,
    clusterList,
    mpReach,
    mpUnreach,
    extendedCommunities,
    as4Path,
    as4Aggregator,
    largeCommunities,
    onlyToCustomer,
  ],
);

const CATEGORY = AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE;
const MP_TYPES = new Set<number>([AttributeType.MP_REACH_NLRI, AttributeType.MP_UNREACH_NLRI]);

export function attributeName(type: number): string {
  return CODECS.get(type)?.name ?? `attribute ${type}`;
}

/** Type, flags and octets of the next attribute. Throws `TruncatedError` when it overruns its section. */
export function readAttribute(reader: Reader): { type: number; flags: number; value: Uint8Array } {
  const flags = reader.u8();
  const type = reader.u8();
  return { type, flags, value: reader.take(flags & AttributeFlag.EXTENDED_LENGTH ? reader.u16() : reader.u8()) };
}

/** Reads one attribute. Throws {@link AttributeError}, which says how to go on (RFC 7606). */
export function decodeAttribute(type: number, flags: number, value: Uint8Array, context: AttributeContext): Attribute {
  const codec = CODECS.get(type);
  if (!codec) {
    if (!(flags & AttributeFlag.OPTIONAL)) throw new AttributeError('session-reset', `unrecognized well-known attribute ${type}`, 2);
    return { type, flags, value };
  }
  if ((flags & CATEGORY) !== codec.flags)
    throw new AttributeError(
      MP_TYPES.has(type) ? 'session-reset' : 'treat-as-withdraw',
      `${codec.name} with flags 0x${flags.toString(16).padStart(2, '0')}`,
      4,
    );
  return { type, flags, ...codec.decode(value, context) } as KnownAttribute;
}

/** Writes one attribute; the length takes two octets when it must, or when the flags say so. */
export function encodeAttribute(writer: Writer, attribute: Attribute, context: AttributeContext): void {
  const body = writer.fork();
  if (isRead(attribute)) CODECS.get(attribute.type)?.encode(attribute, body, context);
  else body.bytes(attribute.value);
  const extended = (attribute.flags & AttributeFlag.EXTENDED_LENGTH) !== 0 || body.length > 255;
  writer.u8(extended ? attribute.flags | AttributeFlag.EXTENDED_LENGTH : attribute.flags).u8(attribute.type);
  if (extended) writer.u16(body.length);
  else writer.u8(body.length);
  writer.bytes(body.finish());
}

/** The first attribute of a type, when it was read. */
export function findAttribute<T extends KnownAttribute['type']>(
  attributes: readonly Attribute[],
  type: T,
): Extract<KnownAttribute, { type: T }> | undefined {
  return attributes.find((attribute): attribute is Extract<KnownAttribute, { type: T }> => attribute.type === type && isRead(attribute));
}
