import { systemError } from './error.ts';
import * as libc from './libc.ts';

const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
const one = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
const counter = Buffer.alloc(8);

/** An eventfd(2): its number can be handed to another thread of this process, which shares the descriptor table. */
export function createWakeFd(): number {
  const fd = libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw systemError('eventfd', -fd, 'create the descriptor that wakes a loop');
  return fd;
}

/** Wakes the loop that polls this eventfd; from any thread. Wakes that come before the loop looks count as one. */
export function wake(wakeFd: number): void {
  libc.write(wakeFd, one);
}

export function drainWakeFd(wakeFd: number): void {
  libc.read(wakeFd, counter);
}

export function closeWakeFd(wakeFd: number): void {
  libc.close(wakeFd);
}
