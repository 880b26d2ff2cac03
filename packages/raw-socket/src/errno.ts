import { constants } from 'node:os';

const names = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]));
// Absent from node:os, and met by packet and netlink sockets.
for (const [name, number] of Object.entries({ ENONET: 64, EREMOTEIO: 121, ENOKEY: 126, EKEYREJECTED: 129, ENOTSUPP: 524 }))
  names.set(number, name);
// EAGAIN and EWOULDBLOCK, EOPNOTSUPP and ENOTSUP share their numbers on Linux.
names.set(11, 'EAGAIN');
names.set(95, 'EOPNOTSUPP');

/** The symbolic name of an errno, as in errno(3): 1 → `EPERM`. */
export const errnoName = (errno: number): string => names.get(errno) ?? `errno ${errno}`;

export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const ENXIO = 6;
export const E2BIG = 7;
export const EBADF = 9;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EEXIST = 17;
export const ENODEV = 19;
export const EINVAL = 22;
export const EMFILE = 24;
export const ENFILE = 23;
export const ENOSPC = 28;
export const ENOSYS = 38;
export const EMSGSIZE = 90;
export const ENOPROTOOPT = 92;
export const EPROTONOSUPPORT = 93;
export const EOPNOTSUPP = 95;
export const EAFNOSUPPORT = 97;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ENETDOWN = 100;
export const ENETUNREACH = 101;
export const ECONNABORTED = 103;
export const ECONNRESET = 104;
export const ENOBUFS = 105;
export const ETIMEDOUT = 110;
export const ECONNREFUSED = 111;
export const EHOSTDOWN = 112;
export const EHOSTUNREACH = 113;
export const EINPROGRESS = 115;
