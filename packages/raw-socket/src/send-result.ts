import { EAGAIN, EINTR, ENETDOWN, ENOBUFS, ENOMEM, errnoName } from './errno.ts';

/** What became of a packet: sending fails for reasons that pass (queue full, link down), which callers count and retry. */
export type SendResult = { readonly ok: true } | { readonly ok: false; readonly errno: string; readonly retry: boolean };

const sent: SendResult = { ok: true };
const passing = new Set([EAGAIN, EINTR, ENETDOWN, ENOBUFS, ENOMEM]);

/** @param result of a send call: bytes, or minus the errno */
export const sendResult = (result: number): SendResult =>
  result >= 0 ? sent : { ok: false, errno: errnoName(-result), retry: passing.has(-result) };
