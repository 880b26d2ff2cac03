import type { Socket } from 'node:net';
import { Framer } from '../codec/framer.ts';
import { decodeMessage, INITIAL_CONTEXT, type MessageContext, type ReceivedMessage } from '../codec/message.ts';
import { MessageError } from '../codec/message-error.ts';

export interface ConnectionHandlers {
  /** Every whole message, as it stood on the wire and read. */
  message(message: ReceivedMessage, frame: Uint8Array): void;
  /** Nothing is read after this. `frame` is what could not be read, when it was a whole message. */
  malformed(error: MessageError, frame: Uint8Array | undefined): void;
  /** The connection is gone; said once, and not after `close`. */
  closed(reason: string): void;
  /** Everything written so far has been handed to the kernel. */
  drained(): void;
}

/** How long a last NOTIFICATION may take to leave before the connection is cut. */
const FLUSH_TIME = 1000;

/** One TCP connection of a session: octets in, messages out. It has no opinion about them. */
export class Connection {
  readonly id: number;
  readonly #socket: Socket;
  readonly #handlers: ConnectionHandlers;
  readonly #framer = new Framer();
  #context: MessageContext = INITIAL_CONTEXT;
  #reading = true;
  #closed = false;
  #pendingWrites = 0;
  #pendingOctets = 0;
  #progressAt: number;
  readonly #now: () => number;

  constructor(id: number, socket: Socket, now: () => number, handlers: ConnectionHandlers) {
    this.id = id;
    this.#socket = socket;
    this.#handlers = handlers;
    this.#now = now;
    this.#progressAt = now();
    socket.setNoDelay(true);
    // A plain array: a Buffer's `slice` would share its memory.
    socket.on('data', (chunk: Buffer) => this.#read(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)));
    socket.once('error', (error: NodeJS.ErrnoException) => this.#lost(error.code ?? error.message));
    socket.once('end', () => this.#lost('the peer closed it'));
    socket.once('close', () => this.#lost('the peer closed it'));
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  /** Octets that wait for the peer to read. */
  get pendingOctets(): number {
    return this.#pendingOctets;
  }

  /** Since when the peer has read nothing of what waits; undefined while nothing waits. */
  get stalledSince(): number | undefined {
    return this.#pendingWrites === 0 ? undefined : this.#progressAt;
  }

  /** How messages are to be read from now on. */
  setContext(context: MessageContext): void {
    this.#context = context;
    if (context.extendedMessages) this.#framer.allowExtended();
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || this.#socket.destroyed) return;
    if (this.#pendingWrites === 0) this.#progressAt = this.#now();
    this.#pendingWrites++;
    this.#pendingOctets += bytes.length;
    this.#socket.write(bytes, () => {
      this.#pendingWrites--;
      this.#pendingOctets -= bytes.length;
      this.#progressAt = this.#now();
      if (this.#pendingWrites === 0 && !this.#closed) this.#handlers.drained();
    });
  }

  /** Lets what was written leave, then closes; cuts after a second. Resolves when that is done. */
  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#reading = false;
    const socket = this.#socket;
    socket.removeAllListeners('data');
    socket.on('error', () => {});
    // Unread octets would turn the FIN into a reset, which may overtake the NOTIFICATION.
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), FLUSH_TIME);
    return new Promise(resolve => {
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.end();
    });
  }

  #read(chunk: Uint8Array): void {
    if (!this.#reading) return;
    let frame: Uint8Array | undefined;
    try {
      this.#framer.push(chunk, bytes => {
        frame = bytes;
        this.#handlers.message(decodeMessage(bytes, this.#context), bytes);
        frame = undefined;
        return this.#reading;
      });
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#reading = false;
      this.#handlers.malformed(error, frame);
    }
  }

  #lost(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reading = false;
    this.#socket.on('error', () => {});
    this.#socket.destroy();
    this.#handlers.closed(reason);
  }
}
