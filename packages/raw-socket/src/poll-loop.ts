import { now } from './clock.ts';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL } from './constants.ts';
import { EINTR } from './errno.ts';
import { RawSocketError, systemError } from './error.ts';
import * as libc from './libc.ts';
import { MinHeap } from './min-heap.ts';
import type { Poller, Source } from './poller.ts';
import { closeWakeFd, createWakeFd, drainWakeFd, wake } from './wake.ts';

/** A deadline in a {@link PollLoop}. */
export interface Timer {
  /** When it fires, on the clock of `now()`. */
  readonly time: number;
  /** False once fired or cancelled. */
  readonly active: boolean;
  cancel(): void;
}

interface Deadline {
  time: number;
  order: number;
  callback: (() => void) | undefined;
}

export interface PollLoopOptions {
  /** Receives what handlers throw; without it the exception ends `step()` and `run()`, and with them the worker. */
  onError?: (error: unknown, where: string) => void;
  /** Longest wait of one step, ms. It must be finite: a worker blocked in poll(2) can be terminated only between two steps. */
  maxWait?: number;
  /** An eventfd of `createWakeFd()` that another thread writes to; the loop makes and closes its own without it. */
  wakeFd?: number;
}

const POLLFD = 8;

/**
 * A loop over poll(2) for a worker thread that does nothing else. One step waits, lets every readable source drain its socket, and only
 * then fires the deadlines that are due: after a stall the packets that prove a peer alive are read before the peer is declared dead.
 *
 * The thread never returns to its event loop while `run()` lasts: promises, timers and message events do not happen there. Handlers are
 * synchronous; messages come by `receiveMessageOnPort` after a wake (see `LoopWorker`).
 */
export class PollLoop implements Poller {
  readonly wakeFd: number;
  readonly #ownsWakeFd: boolean;
  readonly #maxWait: number;
  readonly #onError: ((error: unknown, where: string) => void) | undefined;
  readonly #sources = new Map<number, Source>();
  readonly #wakeups: (() => void)[] = [];
  readonly #deadlines = new MinHeap<Deadline>((a, b) => a.time < b.time || (a.time === b.time && a.order < b.order));
  readonly #timespec = Buffer.alloc(16);
  #cancelled = 0;
  #order = 0;
  #table: Source[] = [];
  #pollfds = Buffer.alloc(POLLFD);
  #stale = true;
  #stopped = false;
  #closed = false;
  #now = now();

  constructor(options: PollLoopOptions = {}) {
    this.#maxWait = Math.min(Math.max(options.maxWait ?? 200, 1), 1000);
    this.#onError = options.onError;
    this.#ownsWakeFd = options.wakeFd === undefined;
    this.wakeFd = options.wakeFd ?? createWakeFd();
  }

  /** Replaces the source with the same fd, if there is one. */
  add(source: Source): void {
    this.#sources.set(source.fd, source);
    this.#stale = true;
  }

  /** Takes effect at once, also for events of the current step. Call it before the fd is closed. */
  remove(fd: number): void {
    this.#sources.delete(fd);
    this.#stale = true;
  }

  /** The time of the current step: taken once, so that all handlers of a step agree on it. */
  now(): number {
    return this.#now;
  }

  at(time: number, callback: () => void): Timer {
    if (!Number.isFinite(time)) throw new RawSocketError('InvalidArgument', `a deadline must be a finite time, not ${time}`);
    const deadline: Deadline = { time, order: this.#order++, callback };
    this.#deadlines.push(deadline);
    return {
      time,
      get active() {
        return deadline.callback !== undefined;
      },
      cancel: () => {
        if (deadline.callback === undefined) return;
        deadline.callback = undefined;
        this.#cancelled += 1;
        // Detection timers are moved with every packet: without this the heap would grow with the packet rate.
        if (this.#cancelled > 64 && this.#cancelled > this.#deadlines.size / 2) {
          this.#deadlines.filter(d => d.callback !== undefined);
          this.#cancelled = 0;
        }
      },
    };
  }

  /** `ms` from the clock's present, not from the step's start: a long handler does not shorten the delay. */
  after(ms: number, callback: () => void): Timer {
    return this.at(now() + ms, callback);
  }

  /** Deadlines that are still to come. */
  get pending(): number {
    return this.#deadlines.size - this.#cancelled;
  }

  /** Places in use for them: cancelled ones are cleared away from time to time. */
  get heapSize(): number {
    return this.#deadlines.size;
  }

  onWake(callback: () => void): void {
    this.#wakeups.push(callback);
  }

  /** Ends the current or the next wait; from any thread by `wake(loop.wakeFd)`. */
  wake(): void {
    wake(this.wakeFd);
  }

  /** Waits for events or the next deadline, at most `maxWait` ms, and handles what is there. */
  step(maxWait = this.#maxWait): void {
    if (this.#closed) throw new RawSocketError('Closed', 'the loop was closed');
    const next = this.#nextDeadline();
    this.#poll(Math.min(maxWait, this.#maxWait, next === undefined ? Number.POSITIVE_INFINITY : next - now()));
    const due = now();
    const first = this.#nextDeadline();
    if (first === undefined || first > due) return;
    // The thread may have been stopped between the poll and this line; whatever arrived before `due` is read before it counts as late.
    this.#poll(0);
    this.#fire(due);
  }

  /** Steps until `stop()`. The step is a function of its own because V8 looks for `terminate()` on function entry. */
  run(): void {
    while (!this.#stopped) this.step();
  }

  /** Ends `run()` after the current step. */
  stop(): void {
    this.#stopped = true;
  }

  /** Forgets all sources and deadlines; the sources' sockets belong to whoever opened them. */
  close(): void {
    if (this.#closed) return;
    this.#stopped = true;
    this.#closed = true;
    this.#sources.clear();
    this.#deadlines.filter(() => false);
    if (this.#ownsWakeFd) closeWakeFd(this.wakeFd);
  }

  #nextDeadline(): number | undefined {
    for (;;) {
      const first = this.#deadlines.peek();
      if (first === undefined || first.callback !== undefined) return first?.time;
      this.#deadlines.pop();
      if (this.#cancelled > 0) this.#cancelled -= 1;
    }
  }

  #poll(wait: number): void {
    if (this.#stale) this.#rebuild();
    // struct timespec {i64 seconds, i64 nanoseconds}; the wait is at most `maxWait`, so that 32 bits hold either.
    const ns = Math.max(0, Math.ceil(wait * 1e6));
    this.#timespec.writeUInt32LE(Math.floor(ns / 1e9), 0);
    this.#timespec.writeUInt32LE(ns % 1e9, 8);
    const table = this.#table;
    const ready = libc.ppoll(this.#pollfds, table.length + 1, this.#timespec);
    this.#now = now();
    if (ready < 0) {
      if (ready !== -EINTR) throw systemError('ppoll', -ready, 'wait for sockets');
      return;
    }
    if (ready === 0) return;
    const fds = this.#pollfds;
    if (fds.readInt16LE(6) !== 0) {
      drainWakeFd(this.wakeFd);
      for (const callback of this.#wakeups) this.#guard(callback, 'wake');
    }
    for (let i = 0; i < table.length; i++) {
      const events = fds.readInt16LE((i + 1) * POLLFD + 6);
      if (events === 0) continue;
      const source = table[i] as Source;
      // A handler earlier in this step may have removed it and closed its fd.
      if (this.#sources.get(source.fd) !== source) continue;
      if (events & POLLNVAL) {
        this.remove(source.fd);
        this.#report(new RawSocketError('Closed', `fd ${source.fd} was closed before it was removed from the loop`), 'poll');
      } else if (events & (POLLIN | POLLERR | POLLHUP)) {
        try {
          source.onReadable();
        } catch (error) {
          this.#report(error, `fd ${source.fd}`);
        }
      }
    }
  }

  #fire(due: number): void {
    this.#now = due;
    for (;;) {
      const next = this.#nextDeadline();
      if (next === undefined || next > due) return;
      const deadline = this.#deadlines.pop();
      const callback = deadline?.callback;
      if (!deadline || !callback) continue;
      deadline.callback = undefined;
      this.#guard(callback, 'deadline');
    }
  }

  #rebuild(): void {
    this.#table = [...this.#sources.values()];
    this.#pollfds = Buffer.alloc((this.#table.length + 1) * POLLFD);
    [this.wakeFd, ...this.#table.map(source => source.fd)].forEach((fd, i) => {
      this.#pollfds.writeInt32LE(fd, i * POLLFD);
      this.#pollfds.writeInt16LE(POLLIN, i * POLLFD + 4);
    });
    this.#stale = false;
  }

  #guard(callback: () => void, where: string): void {
    try {
      callback();
    } catch (error) {
      this.#report(error, where);
    }
  }

  #report(error: unknown, where: string): void {
    if (!this.#onError) throw error;
    this.#onError(error, where);
  }
}
