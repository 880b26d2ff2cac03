import { type ArpPacket, decodeArp, decodeNdp, type NdpPacket } from '@herald/speaker/testing';
import { arpFilter, eventLoop, interfaceIndex, ndpFilter, PacketSocket } from 'raw-socket';
import type { Namespace } from 'raw-socket/testing';

/** Packet sockets of a client on the LAN: sends any frame, collects all ARP and ND that reaches it. */
export class FrameClient {
  readonly arp: ArpPacket[] = [];
  readonly ndp: NdpPacket[] = [];
  readonly mac: string;
  readonly #sockets: PacketSocket[];

  constructor(client: Namespace) {
    this.mac = client.mac;
    this.#sockets = client.enter(() => {
      const index = interfaceIndex('eth0');
      return [
        PacketSocket.open({
          interface: 'eth0',
          filter: arpFilter({ interfaceIndex: index }),
          onFrame: frame => {
            const packet = decodeArp(frame);
            if (typeof packet === 'object') this.arp.push(packet);
          },
        }),
        PacketSocket.open({
          interface: 'eth0',
          filter: ndpFilter({ interfaceIndex: index }),
          onFrame: frame => {
            const packet = decodeNdp(frame);
            if (typeof packet === 'object') this.ndp.push(packet);
          },
        }),
      ];
    });
    for (const socket of this.#sockets) {
      // All groups: multicast answers are wanted as well.
      eventLoop.add(socket);
    }
    this.#sockets[1]?.joinMulticast('33:33:00:00:00:01');
  }

  send(frame: Uint8Array): void {
    const result = this.#sockets[0]?.send(frame);
    if (result?.ok === false) throw new Error(`could not send: ${result.errno}`);
  }

  clear(): void {
    this.arp.length = 0;
    this.ndp.length = 0;
  }

  close(): void {
    for (const socket of this.#sockets) {
      eventLoop.remove(socket.fd);
      socket.close();
    }
  }
}
