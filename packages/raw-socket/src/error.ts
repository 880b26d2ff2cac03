import * as e from './errno.ts';

/** Stable: programs may branch on it. The errno, where there is one, says more. */
export type RawSocketErrorCode =
  | 'NotPermitted'
  | 'NotSupported'
  | 'NoSuchDevice'
  | 'AddressInUse'
  | 'AddressNotAvailable'
  | 'Unreachable'
  | 'ConnectionRefused'
  | 'ConnectionReset'
  | 'Timeout'
  | 'Aborted'
  | 'Closed'
  | 'InvalidArgument'
  | 'ResourceExhausted'
  | 'BadMessage'
  | 'SystemCall';

export interface RawSocketErrorDetails {
  /** Symbolic errno, for instance `EPERM`; absent when no system call failed. */
  errno?: string | undefined;
  syscall?: string | undefined;
  /** The capability whose absence explains the error, for instance `CAP_NET_RAW`. */
  needs?: string | undefined;
  cause?: unknown;
}

/** The one error class of this package. */
export class RawSocketError extends Error {
  override readonly name = 'RawSocketError';
  readonly code: RawSocketErrorCode;
  readonly errno: string | undefined;
  readonly syscall: string | undefined;
  readonly needs: string | undefined;

  constructor(code: RawSocketErrorCode, message: string, details: RawSocketErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.errno = details.errno;
    this.syscall = details.syscall;
    this.needs = details.needs;
  }
}

const codes = new Map<number, RawSocketErrorCode>([
  [e.EPERM, 'NotPermitted'],
  [e.EACCES, 'NotPermitted'],
  [e.ENOSYS, 'NotSupported'],
  [e.EOPNOTSUPP, 'NotSupported'],
  [e.ENOPROTOOPT, 'NotSupported'],
  [e.EPROTONOSUPPORT, 'NotSupported'],
  [e.EAFNOSUPPORT, 'NotSupported'],
  [e.ENODEV, 'NoSuchDevice'],
  [e.ENXIO, 'NoSuchDevice'],
  [e.EADDRINUSE, 'AddressInUse'],
  [e.EADDRNOTAVAIL, 'AddressNotAvailable'],
  [e.ENETDOWN, 'Unreachable'],
  [e.ENETUNREACH, 'Unreachable'],
  [e.EHOSTUNREACH, 'Unreachable'],
  [e.EHOSTDOWN, 'Unreachable'],
  [e.ECONNREFUSED, 'ConnectionRefused'],
  [e.ECONNRESET, 'ConnectionReset'],
  [e.ECONNABORTED, 'ConnectionReset'],
  [e.ETIMEDOUT, 'Timeout'],
  [e.EINVAL, 'InvalidArgument'],
  [e.EMSGSIZE, 'InvalidArgument'],
  [e.ENOMEM, 'ResourceExhausted'],
  [e.E2BIG, 'ResourceExhausted'],
  [e.ENOBUFS, 'ResourceExhausted'],
  [e.EMFILE, 'ResourceExhausted'],
  [e.ENFILE, 'ResourceExhausted'],
  [e.ENOSPC, 'ResourceExhausted'],
  [e.EBADF, 'Closed'],
]);

const remedies: Partial<Record<RawSocketErrorCode, string>> = {
  NotSupported: 'this kernel does not offer it',
  NoSuchDevice: 'there is no such interface in this network namespace',
  AddressInUse: 'another socket holds this address and port',
  AddressNotAvailable: 'no interface of this network namespace has this address',
  Closed: 'the socket was closed before',
};

/**
 * The error of a failed system call.
 * @param doing what was attempted, naming the object: `open a packet socket on eth0`
 * @param needs the capability that EPERM or EACCES points at
 */
export function systemError(syscall: string, errno: number, doing: string, needs?: string): RawSocketError {
  const name = e.errnoName(errno);
  const code = codes.get(errno) ?? 'SystemCall';
  const denied = code === 'NotPermitted';
  const remedy = denied && needs ? `needs ${needs}: grant it to the process` : remedies[code];
  return new RawSocketError(code, `cannot ${doing}: ${syscall} failed with ${name}${remedy ? ` (${remedy})` : ''}`, {
    errno: name,
    syscall,
    needs: denied ? needs : undefined,
  });
}
