import { AF_INET, IPPROTO_TCP, SOCK_STREAM } from '../constants.ts';
import { Descriptor, i32 } from '../descriptor.ts';
import { ENOPROTOOPT } from '../errno.ts';
import * as libc from '../libc.ts';

const TCP_AO_INFO = 40;

/** Whether this kernel was built with TCP-AO (RFC 5925; Linux 6.7, CONFIG_TCP_AO). */
export function tcpAoSupported(): boolean {
  const socket = Descriptor.socket(AF_INET, SOCK_STREAM, 0, 'a TCP socket');
  try {
    // A kernel with it complains about the missing keys or the size instead.
    return libc.getsockopt(socket.fd, IPPROTO_TCP, TCP_AO_INFO, Buffer.alloc(256), i32(256)) !== -ENOPROTOOPT;
  } finally {
    socket.close();
  }
}
