import { randomBytes } from 'node:crypto';
import {
  ClassicAssembler,
  type ClassicFilter,
  ETH_P_IP,
  ETH_P_IPV6,
  links,
  neighbours,
  PacketSocket,
  type PollLoop,
  parseMac,
  RawSocketError,
} from 'raw-socket';
import { decodeEchoFrame, ECHO_PORT, type EchoId, type EchoPath, encodeEchoFrame } from './echo-frame.ts';

/** Where a session's packets come in. */
export interface EchoRoute {
  readonly interfaceIndex: number;
  /** Ours, as the peer knows it. */
  readonly ownAddress: string;
  /** Without zone. */
  readonly peerAddress: string;
}

/** For how long link-layer addresses are believed, ms; looked up again at once when an echo is missing, but not more often than `LOOK_UP_EVERY`. */
const BELIEVED_FOR = 10_000;
const LOOK_UP_EVERY = 100;
const MOST_PATHS = 1024;

/** UDP to the echo port, untagged, without IPv4 options: nothing else wakes the thread. */
function filter(family: 4 | 6): ClassicFilter {
  const [protocol, port] = family === 4 ? [23, 36] : [20, 56];
  const asm = new ClassicAssembler().loadExtension('vlanTagPresent').jump('eq', 0, undefined, 'drop');
  if (family === 4) asm.load(1, 14).jump('eq', 0x45, undefined, 'drop');
  asm.load(1, protocol).jump('eq', 17, undefined, 'drop');
  return asm.load(2, port).jump('eq', ECHO_PORT, undefined, 'drop').ret(0x40000).label('drop').ret(0).assemble();
}

/**
 * The links that echo packets leave by and come back on. They are whole frames, because the kernel would keep a packet to one of its own
 * addresses to itself, and drop one that comes back with its own address as source.
 */
export class EchoLinks {
  readonly #loop: PollLoop;
  readonly #returned: (id: EchoId, interfaceIndex: number) => void;
  /** Nobody else can make an echo that counts. */
  readonly #key = randomBytes(32);
  readonly #sockets = new Map<string, PacketSocket>();
  readonly #paths = new Map<string, { readonly at: number; readonly path: EchoPath | string }>();

  constructor(loop: PollLoop, returned: (id: EchoId, interfaceIndex: number) => void) {
    this.#loop = loop;
    this.#returned = returned;
  }

  /** Sends an echo packet; otherwise tells why not. `doubt`: the last ones are missing, so the peer may have another link-layer address. */
  send(route: EchoRoute, id: EchoId, doubt: boolean): string | undefined {
    const path = this.#path(route, doubt);
    if (typeof path === 'string') return path;
    try {
      const result = this.#socket(route).send(encodeEchoFrame(path, id, this.#key));
      return result.ok ? undefined : result.errno;
    } catch (error) {
      if (error instanceof RawSocketError) return error.message;
      throw error;
    }
  }

  close(): void {
    for (const key of this.#sockets.keys()) this.#close(key);
    this.#paths.clear();
  }

  #socket({ interfaceIndex, ownAddress }: EchoRoute): PacketSocket {
    const family = ownAddress.includes(':') ? 6 : 4;
    const key = `${interfaceIndex}/${family}`;
    const open = this.#sockets.get(key);
    if (open) return open;
    const socket = PacketSocket.open({
      interface: interfaceIndex,
      filter: filter(family),
      protocol: family === 4 ? ETH_P_IP : ETH_P_IPV6,
      receiveBuffer: 1 << 18,
      snapLength: 256,
      onFrame: (frame, info) => {
        const id = info.packetType === 'host' ? decodeEchoFrame(frame, this.#key) : undefined;
        if (id) this.#returned(id, interfaceIndex);
      },
      // The interface is gone: the next echo finds out whether there is another.
      onError: () => this.#close(key),
    });
    this.#sockets.set(key, socket);
    this.#loop.add(socket);
    return socket;
  }

  #close(key: string): void {
    const socket = this.#sockets.get(key);
    if (!socket) return;
    this.#sockets.delete(key);
    this.#loop.remove(socket.fd);
    socket.close();
  }

  #path(route: EchoRoute, doubt: boolean): EchoPath | string {
    const key = `${route.interfaceIndex}/${route.peerAddress}/${route.ownAddress}`;
    const now = this.#loop.now();
    const known = this.#paths.get(key);
    const trusted = doubt || typeof known?.path === 'string' ? LOOK_UP_EVERY : BELIEVED_FOR;
    if (known && now - known.at < trusted) return known.path;
    const path = resolvePath(route);
    if (this.#paths.size >= MOST_PATHS) this.#paths.clear();
    this.#paths.set(key, { at: now, path });
    return path;
  }
}

function resolvePath({ interfaceIndex, ownAddress, peerAddress }: EchoRoute): EchoPath | string {
  const link = links().find(({ index }) => index === interfaceIndex);
  if (link?.mac?.length !== 17) return `the interface of ${ownAddress} is no Ethernet link`;
  const neighbour = neighbours().find(entry => entry.interfaceIndex === interfaceIndex && entry.address === peerAddress);
  if (!neighbour?.mac || neighbour.state === 'failed') return `the link-layer address of ${peerAddress} is not known`;
  return { ownMac: parseMac(link.mac), peerMac: parseMac(neighbour.mac), ownAddress };
}
