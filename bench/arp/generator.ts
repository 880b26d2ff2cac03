import { ClassicAssembler, type ClassicFilter, now, PacketSocket, PollLoop, realtimeNs, solicitedNodeGroup } from 'raw-socket';
import { arpFrame, type Lan, ndpFrame } from 'raw-socket/testing';

/** An address that somebody answers for. */
export interface Target {
  name: string;
  address: string;
}

const PEER = { 4: '10.66.0.2', 6: 'fd66::2' } as const;

/** Sends requests from the peer of the LAN, one at a time or in floods, and reads the answers. */
export class Generator {
  readonly #lan: Lan;
  readonly #loop = new PollLoop();
  readonly #socket: PacketSocket;
  #waiting: Buffer | undefined;
  #answeredAt = 0n;
  #answers = 0;

  constructor(lan: Lan) {
    this.#lan = lan;
    this.#socket = lan.peer.enter(() =>
      PacketSocket.open({
        interface: 'eth0',
        filter: answersOnly(),
        timestamps: true,
        receiveBuffer: 64 << 20,
        batch: 4096,
        onFrame: (frame, info) => this.#onFrame(frame, info.timestampNs),
      }),
    );
    this.#loop.add(this.#socket);
  }

  /** The request the kernel of a client would send. */
  request({ address }: Target): Buffer {
    const { mac } = this.#lan.peer;
    if (!address.includes(':')) return arpFrame({ source: mac, senderIp: PEER[4], targetIp: address });
    const { group, mac: destination } = solicitedNodeGroup(address);
    return ndpFrame({ destination, source: mac, sourceIp: PEER[6], destinationIp: group, target: address });
  }

  /** Microseconds from just before the send to the kernel's receive timestamp of the answer; undefined when none came in time. */
  measure(target: Target, timeout: number): number | undefined {
    const frame = this.request(target);
    this.#waiting = frame;
    this.#answeredAt = 0n;
    const end = now() + timeout;
    const sentAt = realtimeNs();
    this.#socket.send(frame);
    while (this.#answeredAt === 0n && now() < end) this.#loop.step(end - now());
    this.#waiting = undefined;
    return this.#answeredAt === 0n ? undefined : Number(this.#answeredAt - sentAt) / 1000;
  }

  /** Lets time pass without burning the processor that others need. */
  pause(ms: number): void {
    const timer = this.#loop.after(ms, () => undefined);
    while (timer.active) this.#loop.step();
  }

  /** Sends `rate` requests a second for so long, evenly per millisecond. */
  flood(target: Target, rate: number, seconds: number): { sent: number; answered: number; lateMs: number } {
    const frame = this.request(target);
    const total = Math.round(rate * seconds);
    this.#answers = 0;
    let sent = 0;
    const start = now();
    while (sent < total) {
      const due = Math.min(total, Math.floor(((now() - start) / 1000) * rate) + 1);
      for (; sent < due; sent++) if (!this.#socket.send(frame).ok) break;
      this.#loop.step(0);
    }
    const lateMs = now() - start - seconds * 1000;
    this.pause(200);
    return { sent, answered: this.#answers, lateMs };
  }

  close(): void {
    this.#loop.remove(this.#socket.fd);
    this.#socket.close();
    this.#loop.close();
  }

  #onFrame(frame: Buffer, at: bigint | undefined): void {
    this.#answers += 1;
    const asked = this.#waiting;
    if (asked && at !== undefined && matches(frame, asked)) this.#answeredAt = at;
  }
}

/** Whether the answer is about the address that was asked for. */
function matches(answer: Buffer, request: Buffer): boolean {
  if (answer.readUInt16BE(12) !== request.readUInt16BE(12)) return false;
  return request.length === 42
    ? answer.subarray(28, 32).equals(request.subarray(38, 42))
    : answer.subarray(62, 78).equals(request.subarray(62, 78));
}

/** ARP replies and neighbour advertisements. */
function answersOnly(): ClassicFilter {
  return new ClassicAssembler()
    .load(2, 12)
    .jump('eq', 0x0806, 'arp', undefined)
    .jump('eq', 0x86dd, undefined, 'drop')
    .load(1, 20)
    .jump('eq', 58, undefined, 'drop')
    .load(1, 54)
    .jump('eq', 136, 'pass', 'drop')
    .label('arp')
    .load(2, 20)
    .jump('eq', 2, 'pass', 'drop')
    .label('pass')
    .ret(0x40000)
    .label('drop')
    .ret(0)
    .assemble();
}
