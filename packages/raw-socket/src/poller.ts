import { EBADF } from './errno.ts';
import { systemError } from './error.ts';
import * as libc from './libc.ts';

/** A descriptor that someone waits for. */
export interface Source {
  readonly fd: number;
  /** Reads what is there. What it leaves unread brings it here again. */
  onReadable(): void;
}

/** Whoever waits: a {@link PollLoop} in a worker, or {@link eventLoop} elsewhere. */
export interface Poller {
  add(source: Source): void;
  /** Before the fd is closed. */
  remove(fd: number): void;
}

// A handle must stay referenced: koffi's handles stop without a word when they are garbage-collected.
const handles = new Map<number, libc.PollHandle>();

/** The event loop of the calling thread. What a source throws becomes an uncaught exception, as with every other event. */
export const eventLoop: Poller = {
  add(source) {
    if (source.fd < 0) throw systemError('poll', EBADF, 'watch a closed socket');
    handles.get(source.fd)?.close();
    handles.set(
      source.fd,
      libc.watch(source.fd, 'readable', () => {
        try {
          source.onReadable();
        } catch (error) {
          setImmediate(() => {
            throw error;
          });
        }
      }),
    );
  },
  remove(fd) {
    handles.get(fd)?.close();
    handles.delete(fd);
  },
};
