import { closeSync, openSync, readlinkSync } from 'node:fs';
import { systemError } from './error.ts';
import * as libc from './libc.ts';

const CLONE_NEWNET = 0x4000_0000;

/**
 * Runs `body` with the calling thread in another network namespace (setns(2), needs CAP_SYS_ADMIN): sockets opened in it stay there.
 * `body` must not wait: whatever else the thread did meanwhile would happen there too. For tests and measurements.
 * @param path for instance `/run/netns/NAME` or `/proc/PID/ns/net`
 */
export function inNetworkNamespace<T>(path: string, body: () => T): T {
  const own = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const target = openSync(path, 'r');
    try {
      enter(target, path);
    } finally {
      closeSync(target);
    }
    try {
      return body();
    } finally {
      enter(own, 'the namespace it came from');
    }
  } finally {
    closeSync(own);
  }
}

function enter(fd: number, path: string): void {
  const result = libc.setns(fd, CLONE_NEWNET);
  if (result < 0) throw systemError('setns', -result, `enter the network namespace ${path}`, 'CAP_SYS_ADMIN');
}

/** Inode number of the calling thread's network namespace: tells namespaces apart. */
export const networkNamespace = (): string => /\d+/.exec(readlinkSync('/proc/thread-self/ns/net'))?.[0] ?? '0';
