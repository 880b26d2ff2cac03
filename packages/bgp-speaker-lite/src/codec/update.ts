import { type AttributeContext, AttributeError, AttributeType, type ErrorHandling } from './attribute/codec.ts';
import { type Attribute, attributeName, decodeAttribute, encodeAttribute, findAttribute, readAttribute } from './attribute/index.ts';
import { AFI_IPV4, type AfiSafi, SAFI_UNICAST } from './family.ts';
import { MessageError } from './message-error.ts';
import { ErrorCode } from './notification.ts';
import { decodePrefixes, encodePrefix, NlriError, type Prefix } from './prefix.ts';
import { Reader, TruncatedError } from './reader.ts';
import type { Writer } from './writer.ts';

/** UPDATE (RFC 4271 §4.3). */
export interface Update {
  readonly withdrawn: readonly Prefix[];
  readonly attributes: readonly Attribute[];
  readonly nlri: readonly Prefix[];
}

/** What was wrong with an UPDATE that the session survives (RFC 7606). */
export interface UpdateProblem {
  readonly handling: Exclude<ErrorHandling, 'session-reset'>;
  /** Attribute type; 0 when the attributes as a whole are meant. */
  readonly attribute: number;
  readonly reason: string;
}

export interface DecodedUpdate extends Update {
  readonly problems: readonly UpdateProblem[];
}

const IPV4_BITS = 32;

export function encodeUpdate(update: Update, writer: Writer, context: AttributeContext): void {
  writer.sized16(body => {
    for (const prefix of update.withdrawn) encodePrefix(body, prefix);
  });
  writer.sized16(body => {
    for (const attribute of update.attributes) encodeAttribute(body, attribute, context);
  });
  for (const prefix of update.nlri) encodePrefix(writer, prefix);
}

function updateError(subcode: number, reason: string): MessageError {
  return new MessageError(ErrorCode.UPDATE_MESSAGE, subcode, `UPDATE: ${reason}`);
}

/** Reads the attributes, gathering what is wrong with them; only what must reset the session is thrown. */
class AttributeList {
  readonly attributes: Attribute[] = [];
  readonly problems: UpdateProblem[] = [];
  readonly #seen = new Set<number>();

  read(bytes: Uint8Array, context: AttributeContext): void {
    const reader = new Reader(bytes);
    try {
      while (reader.remaining > 0) this.#one(readAttribute(reader), context);
    } catch (error) {
      // RFC 7606 §4: the sections are delimited by their own lengths, so that the NLRI are found all the same.
      if (!(error instanceof TruncatedError)) throw error;
      this.problems.push({ handling: 'treat-as-withdraw', attribute: 0, reason: 'attributes overrun their section' });
    }
  }

  #one({ type, flags, value }: { type: number; flags: number; value: Uint8Array }, context: AttributeContext): void {
    if (this.#seen.has(type)) {
      if (type === AttributeType.MP_REACH_NLRI || type === AttributeType.MP_UNREACH_NLRI)
        throw updateError(1, `${attributeName(type)} appears twice`);
      this.problems.push({ handling: 'attribute-discard', attribute: type, reason: `${attributeName(type)} appears twice` });
      return;
    }
    this.#seen.add(type);
    try {
      this.attributes.push(decodeAttribute(type, flags, value, context));
    } catch (error) {
      if (!(error instanceof AttributeError)) throw error;
      if (error.handling === 'session-reset') throw updateError(error.subcode, error.message);
      this.problems.push({ handling: error.handling, attribute: type, reason: error.message });
    }
  }
}

/** Mandatory attributes (RFC 4271 §5, RFC 7606 §3.d) of an UPDATE that announces something. */
function missing(update: Update): UpdateProblem[] {
  const reach = findAttribute(update.attributes, AttributeType.MP_REACH_NLRI);
  if (update.nlri.length === 0 && !reach) return [];
  const needed: (1 | 2 | 3)[] = [AttributeType.ORIGIN, AttributeType.AS_PATH];
  if (update.nlri.length > 0) needed.push(AttributeType.NEXT_HOP);
  return needed
    .filter(type => !findAttribute(update.attributes, type))
    .map(type => ({ handling: 'treat-as-withdraw', attribute: type, reason: `${attributeName(type)} is missing` }));
}

function classicPrefixes(bytes: Uint8Array): Prefix[] {
  try {
    return decodePrefixes(new Reader(bytes), IPV4_BITS);
  } catch (error) {
    if (error instanceof NlriError) throw updateError(10, error.message);
    throw error;
  }
}

/**
 * Reads an UPDATE. What RFC 7606 lets the session survive comes back in `problems`;
 * a {@link MessageError} is thrown only where the prefixes cannot be located or a well-known attribute is unknown.
 */
export function decodeUpdate(body: Uint8Array, context: AttributeContext): DecodedUpdate {
  const reader = new Reader(body);
  const sections = (() => {
    try {
      return { withdrawn: reader.take(reader.u16()), attributes: reader.take(reader.u16()), nlri: reader.rest() };
    } catch (error) {
      if (error instanceof TruncatedError) throw updateError(1, error.message);
      throw error;
    }
  })();
  const withdrawn = classicPrefixes(sections.withdrawn);
  const list = new AttributeList();
  list.read(sections.attributes, context);
  const update = { withdrawn, attributes: list.attributes, nlri: classicPrefixes(sections.nlri) };
  const already = new Set(list.problems.map(problem => problem.attribute));
  const absent = missing(update).filter(problem => !already.has(problem.attribute));
  return { ...update, problems: [...list.problems, ...absent] };
}

/** The strongest measure an UPDATE's problems ask for. */
export function strongestHandling(problems: readonly UpdateProblem[]): UpdateProblem['handling'] | undefined {
  if (problems.some(problem => problem.handling === 'treat-as-withdraw')) return 'treat-as-withdraw';
  return problems.length > 0 ? 'attribute-discard' : undefined;
}

/** The family whose End-of-RIB this UPDATE is (RFC 4724 §2), or undefined. */
export function endOfRib(update: Update): AfiSafi | undefined {
  if (update.withdrawn.length > 0 || update.nlri.length > 0) return undefined;
  if (update.attributes.length === 0) return { afi: AFI_IPV4, safi: SAFI_UNICAST };
  const unreach = update.attributes.length === 1 ? findAttribute(update.attributes, AttributeType.MP_UNREACH_NLRI) : undefined;
  return unreach && unreach.withdrawn.length === 0 && unreach.opaque.length === 0 ? { afi: unreach.afi, safi: unreach.safi } : undefined;
}
