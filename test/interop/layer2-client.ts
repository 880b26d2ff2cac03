import {
  ARP_REPLY,
  type ArpPacket,
  decodeArp,
  decodeNdp,
  directedArp,
  directedSolicitation,
  encodeArp,
  encodeNdp,
  type NdpPacket,
  NEIGHBOUR_ADVERTISEMENT,
} from '@herald/speaker/testing';
import { arpFilter, eventLoop, interfaceIndex, ndpFilter, PacketSocket } from 'raw-socket';
import type { Namespace } from 'raw-socket/testing';

/** Packet sockets of a client on the LAN: sends any frame, collects all ARP and ND that reaches it. */
export class FrameClient {
  readonly arp: ArpPacket[] = [];
  readonly ndp: NdpPacket[] = [];
  readonly mac: string;
  readonly #sockets: PacketSocket[];

  /** @param mac of the interface, where it is not the host's first */
  constructor(client: Namespace, device = 'eth0', mac = client.mac) {
    this.mac = mac;
    this.#sockets = client.enter(() => {
      const index = interfaceIndex(device);
      return [
        PacketSocket.open({
          interface: device,
          filter: arpFilter({ interfaceIndex: index }),
          onFrame: frame => {
            const packet = decodeArp(frame);
            if (typeof packet === 'object') this.arp.push(packet);
          },
        }),
        PacketSocket.open({
          interface: device,
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

  /** Asks for an address, on behalf of `from` (default: the LAN's client): everybody, or whoever has `mac`, as one that uses it already. */
  ask(ip: string, { from = ip.includes(':') ? 'fd66::9' : '10.66.0.9', mac }: { from?: string; mac?: string | undefined } = {}): void {
    const neighbour = { ip, mac };
    this.send(
      ip.includes(':') ? encodeNdp(directedSolicitation(from, this.mac, neighbour)) : encodeArp(directedArp(from, this.mac, neighbour)),
    );
  }

  /** MACs that answer a question for an address now, as often as they do. `from`: who asks, of the same family. */
  async answering(ip: string, from: string): Promise<string[]> {
    this.clear();
    this.ask(ip, { from });
    await new Promise(resolve => {
      setTimeout(resolve, 100);
    });
    const replies = this.arp.filter(packet => packet.operation === ARP_REPLY && packet.senderIp === ip && packet.targetIp === from);
    const advertisements = this.ndp.filter(
      packet => packet.type === NEIGHBOUR_ADVERTISEMENT && packet.target === ip && packet.destinationIp === from,
    );
    return [...replies.map(({ senderMac }) => senderMac), ...advertisements.map(({ linkLayer, source }) => linkLayer ?? source)];
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
