import { BgpError } from '../errors.ts';
import { EMPTY } from './bytes.ts';
import type { Notification } from './notification.ts';

/** What a peer sent breaks the protocol so that the session must end; carries the NOTIFICATION that says so. */
export class MessageError extends BgpError {
  override readonly name: string = 'MessageError';
  readonly notification: Notification;

  constructor(code: number, subcode: number, reason: string, data: Uint8Array = EMPTY) {
    super('BGP_BAD_MESSAGE', reason);
    this.notification = { code, subcode, data };
  }
}
