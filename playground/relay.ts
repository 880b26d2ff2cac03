import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Passes TCP connections on, from one address to another; either may be a path of a Unix socket, which crosses network namespaces.
 * It is how the nodes reach the API server that runs outside of their LAN, as a node's local load balancer does in k3s.
 */
export class Relay {
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(from: Endpoint, to: Endpoint): Promise<Relay> {
    const server = createServer();
    const relay = new Relay(server);
    server.on('connection', inbound => {
      const outbound = connect(to);
      relay.#pair(inbound, outbound);
      relay.#pair(outbound, inbound);
      inbound.pipe(outbound).pipe(inbound);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(from, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return relay;
  }

  /** Cuts every connection and accepts no new one: what a client sees of an API server that is gone. */
  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise(resolve => this.#server.close(resolve));
  }

  #pair(socket: Socket, other: Socket): void {
    this.#open.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      this.#open.delete(socket);
      other.destroy();
    });
  }
}

export type Endpoint = { path: string } | { host: string; port: number };
