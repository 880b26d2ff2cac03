import type { AttributeContext } from './attribute/codec.ts';
import { MessageError } from './message-error.ts';
import { decodeNotification, ErrorCode, encodeNotification, type Notification } from './notification.ts';
import { decodeOpen, encodeOpen, type Open } from './open.ts';
import { decodeRouteRefresh, encodeRouteRefresh, type RouteRefresh } from './route-refresh.ts';
import { type DecodedUpdate, decodeUpdate, encodeUpdate, type Update } from './update.ts';
import { Writer } from './writer.ts';

/** Message types (RFC 4271 §4.1; 5 from RFC 2918 §3). */
export const MessageType = { OPEN: 1, UPDATE: 2, NOTIFICATION: 3, KEEPALIVE: 4, ROUTE_REFRESH: 5 } as const;

/** Octets of the header: marker, length, type (RFC 4271 §4.1). */
export const HEADER_LENGTH = 19;
/** Longest message (RFC 4271 §4.1), and longest with extended messages (RFC 8654 §4; not for OPEN and KEEPALIVE). */
export const MAX_LENGTH = 4096;
export const MAX_EXTENDED_LENGTH = 65_535;

const MARKER = new Uint8Array(16).fill(0xff);

export type Message =
  | { readonly kind: 'open'; readonly open: Open }
  | { readonly kind: 'update'; readonly update: Update }
  | { readonly kind: 'notification'; readonly notification: Notification }
  | { readonly kind: 'keepalive' }
  | { readonly kind: 'route-refresh'; readonly refresh: RouteRefresh };

export type ReceivedMessage = Exclude<Message, { kind: 'update' }> | { readonly kind: 'update'; readonly update: DecodedUpdate };

/** What changes how messages are read and written on one connection. */
export interface MessageContext extends AttributeContext {
  /** RFC 8654: this side accepts messages up to 65,535 octets. */
  readonly extendedMessages: boolean;
}

/** Before anything is negotiated. */
export const INITIAL_CONTEXT: MessageContext = { fourOctetAs: true, external: true, extendedMessages: false };

const MINIMUM: Readonly<Record<number, number>> = { 1: 29, 2: 23, 3: 21, 4: 19, 5: 23 };

/** Length and type of the message whose header stands at `offset`. Throws 1/1, 1/2 or 1/3 (RFC 4271 §6.1). */
export function readHeader(bytes: Uint8Array, offset: number, extended: boolean): { length: number; type: number } {
  for (let i = 0; i < 16; i++)
    if (bytes[offset + i] !== 0xff) throw new MessageError(ErrorCode.MESSAGE_HEADER, 1, 'the marker is not all ones');
  const lengthField = bytes.slice(offset + 16, offset + 18);
  const length = ((lengthField[0] as number) << 8) | (lengthField[1] as number);
  const type = bytes[offset + 18] as number;
  const minimum = MINIMUM[type];
  if (minimum === undefined) throw new MessageError(ErrorCode.MESSAGE_HEADER, 3, `message type ${type} is unknown`, new Uint8Array([type]));
  const short = type === MessageType.OPEN || type === MessageType.KEEPALIVE || !extended;
  const maximum = type === MessageType.KEEPALIVE ? HEADER_LENGTH : short ? MAX_LENGTH : MAX_EXTENDED_LENGTH;
  if (length < minimum || length > maximum)
    throw new MessageError(ErrorCode.MESSAGE_HEADER, 2, `message of type ${type} with length ${length}`, lengthField);
  return { length, type };
}

/** Reads one whole message, header included. Throws {@link MessageError} and nothing else. */
export function decodeMessage(frame: Uint8Array, context: MessageContext): ReceivedMessage {
  if (frame.length < HEADER_LENGTH) throw new MessageError(ErrorCode.MESSAGE_HEADER, 2, `message of ${frame.length} octets`);
  const { length, type } = readHeader(frame, 0, context.extendedMessages);
  if (length !== frame.length)
    throw new MessageError(ErrorCode.MESSAGE_HEADER, 2, `header says ${length} of ${frame.length} octets`, frame.slice(16, 18));
  const body = frame.subarray(HEADER_LENGTH);
  switch (type) {
    case MessageType.OPEN:
      return { kind: 'open', open: decodeOpen(body) };
    case MessageType.UPDATE:
      return { kind: 'update', update: decodeUpdate(body, context) };
    case MessageType.NOTIFICATION:
      return { kind: 'notification', notification: decodeNotification(body) };
    case MessageType.ROUTE_REFRESH:
      return { kind: 'route-refresh', refresh: decodeRouteRefresh(body, frame) };
    default:
      return { kind: 'keepalive' };
  }
}

const TYPE_OF: Readonly<Record<Message['kind'], number>> = {
  open: MessageType.OPEN,
  update: MessageType.UPDATE,
  notification: MessageType.NOTIFICATION,
  keepalive: MessageType.KEEPALIVE,
  'route-refresh': MessageType.ROUTE_REFRESH,
};

/** Octets of one whole message. */
export function encodeMessage(message: Message, context: AttributeContext): Uint8Array {
  const writer = new Writer(64).bytes(MARKER).u16(0).u8(TYPE_OF[message.kind]);
  if (message.kind === 'open') encodeOpen(message.open, writer);
  else if (message.kind === 'update') encodeUpdate(message.update, writer, context);
  else if (message.kind === 'notification') encodeNotification(message.notification, writer);
  else if (message.kind === 'route-refresh') encodeRouteRefresh(message.refresh, writer);
  const bytes = writer.finish();
  bytes[16] = bytes.length >>> 8;
  bytes[17] = bytes.length;
  return bytes;
}
