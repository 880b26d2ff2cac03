import { Reader } from '../reader.ts';
import type { Writer } from '../writer.ts';
import { type AttributeCodec, AttributeError, AttributeType, type ErrorHandling, OPTIONAL_TRANSITIVE, WELL_KNOWN } from './codec.ts';

/** A segment of an AS path (RFC 4271 §4.3; confederation types from RFC 5065 §3). */
export interface AsPathSegment {
  readonly type: number;
  readonly asns: readonly number[];
}

export const SegmentType = { AS_SET: 1, AS_SEQUENCE: 2, CONFED_SEQUENCE: 3, CONFED_SET: 4 } as const;

/** AS_PATH (RFC 4271 §5.1.2). Numbers have two octets towards a peer without RFC 6793. */
export interface AsPath {
  readonly type: typeof AttributeType.AS_PATH;
  readonly flags: number;
  readonly segments: readonly AsPathSegment[];
}

/** AS4_PATH (RFC 6793 §3): the true path beside one that has AS_TRANS in it. */
export interface As4Path {
  readonly type: typeof AttributeType.AS4_PATH;
  readonly flags: number;
  readonly segments: readonly AsPathSegment[];
}

/** As many numbers as one segment counts in its length octet. */
const MAX_SEGMENT = 255;

/** A path of one sequence, split where it exceeds a segment; no segment for an empty path. */
export function sequence(asns: readonly number[]): AsPathSegment[] {
  const segments: AsPathSegment[] = [];
  for (let i = 0; i < asns.length; i += MAX_SEGMENT) segments.push({ type: SegmentType.AS_SEQUENCE, asns: asns.slice(i, i + MAX_SEGMENT) });
  return segments;
}

function decodeSegments(value: Uint8Array, octets: 2 | 4, handling: ErrorHandling): AsPathSegment[] {
  const reader = new Reader(value);
  const segments: AsPathSegment[] = [];
  while (reader.remaining > 0) {
    if (reader.remaining < 2) throw new AttributeError(handling, 'one octet left in an AS path', 11);
    const type = reader.u8();
    const count = reader.u8();
    if (type < 1 || type > 4) throw new AttributeError(handling, `AS path segment of type ${type}`, 11);
    if (count === 0) throw new AttributeError(handling, 'empty AS path segment', 11);
    if (count * octets > reader.remaining) throw new AttributeError(handling, `AS path segment of ${count} numbers overruns it`, 11);
    segments.push({ type, asns: Array.from({ length: count }, () => (octets === 4 ? reader.u32() : reader.u16())) });
  }
  return segments;
}

function encodeSegments(segments: readonly AsPathSegment[], octets: 2 | 4, writer: Writer): void {
  for (const { type, asns } of segments) {
    writer.u8(type).u8(asns.length);
    for (const asn of asns) {
      if (octets === 4) writer.u32(asn);
      else writer.u16(asn);
    }
  }
}

export const asPath: AttributeCodec<AsPath> = {
  type: AttributeType.AS_PATH,
  name: 'AS_PATH',
  flags: WELL_KNOWN,
  decode: (value, { fourOctetAs }) => ({ segments: decodeSegments(value, fourOctetAs ? 4 : 2, 'treat-as-withdraw') }),
  encode: ({ segments }, writer, { fourOctetAs }) => encodeSegments(segments, fourOctetAs ? 4 : 2, writer),
};

/** A malformed one is discarded, not the route (RFC 6793 §6). */
export const as4Path: AttributeCodec<As4Path> = {
  type: AttributeType.AS4_PATH,
  name: 'AS4_PATH',
  flags: OPTIONAL_TRANSITIVE,
  decode: value => ({ segments: decodeSegments(value, 4, 'attribute-discard') }),
  encode: ({ segments }, writer) => encodeSegments(segments, 4, writer),
};
