import { SO_ATTACH_FILTER, SOL_SOCKET } from '../constants.ts';
import type { Descriptor } from '../descriptor.ts';
import { EINVAL, ENOMEM } from '../errno.ts';
import { systemError } from '../error.ts';
import * as libc from '../libc.ts';
import type { ClassicFilter } from './classic-assembler.ts';

/**
 * Attaches the filter in place of the one before, without a gap between them.
 * @returns false when only its fallback fitted (net.core.optmem_max limits the size on some kernels)
 */
export function attachFilter(descriptor: Descriptor, filter: ClassicFilter): boolean {
  for (let tried: ClassicFilter | undefined = filter; tried; tried = tried.fallback) {
    // struct sock_fprog {u16 len; pad to 8; pointer}
    const fprog = Buffer.alloc(16);
    fprog.writeUInt16LE(tried.instructions, 0);
    libc.writePointer(fprog, 8, tried.program);
    const result = libc.setsockopt(descriptor.fd, SOL_SOCKET, SO_ATTACH_FILTER, fprog);
    if (result >= 0) return tried === filter;
    if ((result !== -ENOMEM && result !== -EINVAL) || !tried.fallback) {
      throw systemError('setsockopt', -result, `attach a filter of ${tried.instructions} instructions to ${descriptor.label}`);
    }
  }
  return false;
}
