import type { Message, ReceivedMessage } from '../codec/message.ts';
import type { MessageError } from '../codec/message-error.ts';
import type { Notification } from '../codec/notification.ts';
import type { BgpErrorCode } from '../errors.ts';
import type { Negotiated } from './negotiate.ts';

/** What can happen to a peer. Connections are named by numbers the caller gives out. */
export type FsmEvent =
  /** ManualStart. */
  | { readonly type: 'start' }
  /** ManualStop: with a NOTIFICATION, or without a word so that a graceful restart begins. */
  | { readonly type: 'stop'; readonly notification?: Notification; readonly hard?: boolean }
  /** Ends the session and begins anew, for instance with a changed configuration. */
  | { readonly type: 'reset'; readonly notification: Notification; readonly hard?: boolean; readonly damp?: boolean }
  /** A deadline of `nextDeadline` may have passed. */
  | { readonly type: 'tick' }
  | { readonly type: 'dialed'; readonly connection: number }
  | { readonly type: 'dial-failed'; readonly reason: string }
  | { readonly type: 'accepted'; readonly connection: number }
  | { readonly type: 'received'; readonly connection: number; readonly message: ReceivedMessage }
  /** What arrived is no message, or one that must end the session. */
  | { readonly type: 'malformed'; readonly connection: number; readonly error: MessageError }
  /** TcpConnectionFails. */
  | { readonly type: 'closed'; readonly connection: number; readonly reason: string }
  /** The peer has read nothing for too long (RFC 9687). */
  | { readonly type: 'send-stalled'; readonly connection: number }
  /** BFD has lost the path (RFC 5882 §4), or has it again. */
  | { readonly type: 'bfd-down'; readonly reason: string }
  | { readonly type: 'bfd-up' };

/** Why a session or an attempt ended. */
export interface Failure {
  readonly text: string;
  readonly notification?: Notification;
  /** Which way the NOTIFICATION went. */
  readonly direction?: 'sent' | 'received';
  /** What this machine lacks or refuses: it does not pass by itself. */
  readonly code?: BgpErrorCode;
}

/** What the caller has to do, in this order. */
export type FsmAction =
  | { readonly type: 'dial' }
  | { readonly type: 'cancel-dial' }
  | { readonly type: 'send'; readonly connection: number; readonly message: Message }
  /** Flush what has been sent, then close. */
  | { readonly type: 'close'; readonly connection: number }
  | { readonly type: 'negotiated'; readonly connection: number; readonly negotiated: Negotiated }
  | { readonly type: 'established'; readonly connection: number; readonly negotiated: Negotiated }
  /** An Established session has ended. */
  | { readonly type: 'down'; readonly connection: number }
  | { readonly type: 'failed'; readonly failure: Failure }
  /** A message for the layer above: UPDATE or ROUTE-REFRESH of the Established session. */
  | { readonly type: 'deliver'; readonly connection: number; readonly message: ReceivedMessage };
