import { ClassicAssembler } from '../bpf/classic-assembler.ts';
import { formatIp, formatMac } from '../inet.ts';
import { solicitedNodeGroup } from '../membership.ts';
import { PacketSocket } from '../packet-socket.ts';
import { arpFrame, BROADCAST, icmp6Checksum, ndpFrame } from './frames.ts';
import type { Lan } from './lan.ts';
import { patience } from './patience.ts';

/** An answer as it came over the wire. */
export interface Answer {
  /** Ethernet. */
  source: string;
  destination: string;
  /** The address asked for, and where it is said to be. */
  address: string;
  mac: string;
  frame: Buffer;
}

/** Sends questions from the peer of a {@link Lan} and reads the answers. */
export class Asker {
  readonly #lan: Lan;
  readonly #socket: PacketSocket;

  constructor(lan: Lan) {
    this.#lan = lan;
    const everything = new ClassicAssembler().ret(0x40000).assemble();
    this.#socket = lan.peer.enter(() => PacketSocket.open({ interface: 'eth0', filter: everything }));
  }

  /** The ARP request or neighbour solicitation that the kernel would send. */
  question(address: string, unicast = false): Buffer {
    const source = this.#lan.peer.mac;
    if (!address.includes(':')) {
      return arpFrame({ destination: unicast ? this.#lan.host.mac : BROADCAST, source, senderIp: '10.66.0.2', targetIp: address });
    }
    const { group, mac } = solicitedNodeGroup(address);
    return ndpFrame({
      destination: unicast ? this.#lan.host.mac : mac,
      source,
      sourceIp: 'fd66::2',
      destinationIp: unicast ? address : group,
      target: address,
    });
  }

  ask(address: string, unicast = false): Answer | undefined {
    return this.exchange(this.question(address, unicast));
  }

  /** @param within ms to wait for an answer; a real one takes microseconds, so that silence is believed soon */
  exchange(frame: Buffer, within = 40): Answer | undefined {
    while (this.#socket.receive());
    const result = this.#socket.send(frame);
    if (!result.ok) throw new Error(result.errno);
    for (const time = patience(within); time.left(); ) {
      const received = this.#socket.receive();
      const answer = received && parseAnswer(Buffer.from(received));
      if (answer) return answer;
    }
    return undefined;
  }

  close(): void {
    this.#socket.close();
  }
}

function parseAnswer(frame: Buffer): Answer | undefined {
  const ethernet = { source: formatMac(frame.subarray(6, 12)), destination: formatMac(frame.subarray(0, 6)), frame };
  if (frame.readUInt16BE(12) === 0x0806 && frame.readUInt16BE(20) === 2) {
    return { ...ethernet, address: formatIp(frame.subarray(28, 32)), mac: formatMac(frame.subarray(22, 28)) };
  }
  if (frame.length >= 86 && frame.readUInt16BE(12) === 0x86dd && frame[20] === 58 && frame[54] === 136) {
    const message = Buffer.from(frame.subarray(54));
    const checksum = message.readUInt16BE(2);
    message.writeUInt16BE(0, 2);
    const right = icmp6Checksum(frame.subarray(22, 38), frame.subarray(38, 54), message);
    if (checksum !== right) throw new Error(`checksum ${checksum.toString(16)} instead of ${right.toString(16)}`);
    return { ...ethernet, address: formatIp(frame.subarray(62, 78)), mac: formatMac(frame.subarray(80, 86)) };
  }
  return undefined;
}
