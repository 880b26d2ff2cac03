import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Namespace } from 'raw-socket/testing';

/** Brings a server of this machine into a network namespace: listens on a port there, connects to 127.0.0.1 out here. */
export class Door {
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  constructor(inside: Namespace, port: number, target: number) {
    this.#server = createServer(inbound => {
      const outbound = connect(target, '127.0.0.1');
      for (const [socket, other] of [
        [inbound, outbound],
        [outbound, inbound],
      ] as const) {
        this.#open.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          this.#open.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
    // Without a host the socket is made at once, while this thread is inside.
    inside.enter(() => this.#server.listen(port));
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
