import { arpFilter, interfaceIndex, interfaces, PacketSocket, type PollLoop, type Source, UdpSocket } from 'raw-socket';
import { createLan, type Lan, missing } from 'raw-socket/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeArp, gratuitousArp } from '../layer2/arp.ts';
import { type Device, devicesOf } from './devices.ts';
import { Responder } from './responder.ts';
import { Transport } from './transport.ts';

const lacks = missing({ capabilities: ['CAP_NET_RAW', 'CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], programs: ['ip', 'tc'] });
const PORT = 7947;
const VIP = '10.66.0.240';

/** A loop that never runs by itself: what is to come is run by hand. */
class ManualLoop {
  readonly #sources: Source[] = [];
  readonly due: (() => void)[] = [];
  readonly loop = {
    add: (source: Source) => this.#sources.push(source),
    remove: () => undefined,
    now: () => 0,
    after: (_: number, run: () => void) => {
      this.due.push(run);
      return { cancel: () => undefined };
    },
  } as unknown as PollLoop;

  /** Of sockets that are closed nothing is to be read. */
  forget(): void {
    this.#sources.length = 0;
  }

  /** As the loop would: what the kernel has to say of the sockets first. */
  run(): number {
    for (const source of this.#sources) source.onReadable();
    const due = this.due.splice(0);
    for (const run of due) run();
    return due.length;
  }
}

async function carrierOf({ host }: Lan): Promise<void> {
  await received(() => host.enter(interfaces).find(({ name, running }) => name === 'eth0' && running), 500);
}

/** Waits until `next` gives something; undefined after so many attempts of 10 ms. */
async function received<T>(next: () => T | undefined, attempts = 100): Promise<T | undefined> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const got = next();
    if (got !== undefined) return got;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  return undefined;
}

describe.skipIf(lacks)('the sockets of one interface', () => {
  let lan: Lan;
  let manual: ManualLoop;
  let device: Device;
  const closers: (() => void)[] = [];

  beforeEach(() => {
    lan = createLan();
    manual = new ManualLoop();
    device = lan.host.enter(() => {
      const found = devicesOf(interfaces(), [], new Set()).usable.find(({ name }) => name === 'eth0');
      if (found === undefined) throw new Error('there is no eth0');
      return found;
    });
  });

  afterEach(() => {
    for (const close of closers.splice(0)) close();
    lan?.close();
  });

  function responder(): Responder {
    const ignored = {
      asked: () => undefined,
      claimed: () => undefined,
      replied: () => undefined,
      unjoined: () => undefined,
      heard: () => undefined,
    };
    const made = lan.host.enter(() => new Responder(manual.loop, device, { ...ignored, holdOf: () => 0 }, undefined));
    closers.push(() => made.close());
    return made;
  }

  const frame = (): Buffer => encodeArp(gratuitousArp(VIP, device.mac));

  it('the groups of a hundred IPv6 addresses are joined a few at a time, so that heartbeats go on', () => {
    const made = responder();
    const ips = Array.from({ length: 100 }, (_, index) => `fd66::1:${(index + 1).toString(16)}`);
    const groups = () => lan.host.run('ip', '-6', 'maddr', 'show', 'dev', 'eth0').match(/ff02::1:ff01:/g)?.length ?? 0;
    lan.host.enter(() => made.setAddresses(new Map(ips.map(ip => [ip, { mode: 'silent' }])), []));
    const joined = [groups()];
    while (lan.host.enter(() => manual.run()) > 0) joined.push(groups());
    expect(joined).toEqual([32, 64, 96, 100]);
    made.setAddresses(new Map(), []);
    while (manual.run() > 0);
    expect(groups()).toBe(0);
  });

  it('a frame on a link that is down is sent once more, when it is up', async () => {
    const sender = responder();
    const listener = lan.peer.enter(() =>
      PacketSocket.open({ interface: 'eth0', filter: arpFilter({ interfaceIndex: interfaceIndex('eth0'), senders: [VIP] }) }),
    );
    closers.push(() => listener.close());
    lan.host.run('ip', 'link', 'set', 'eth0', 'down');
    sender.send(frame());
    expect(sender.errors).toBe(0);
    lan.host.run('ip', 'link', 'set', 'eth0', 'up');
    await carrierOf(lan);
    expect(manual.run()).toBe(1);
    expect(sender.errors).toBe(0);
    expect(await received(() => listener.receive())).toBeDefined();
    expect(manual.due).toEqual([]);
  });

  it('a frame that still cannot be sent then is counted, and one of a closed responder is not', () => {
    const sender = responder();
    lan.host.run('ip', 'link', 'set', 'eth0', 'down');
    sender.send(frame());
    manual.run();
    expect(sender.errors).toBe(1);
    sender.send(frame());
    for (const close of closers.splice(0)) close();
    manual.forget();
    manual.run();
    expect(sender.errors).toBe(1);
  });

  it('heartbeats begin as soon as their port is free', async () => {
    const other = lan.host.enter(() => UdpSocket.open({ family: 4, port: PORT }));
    const transport = lan.host.enter(() => new Transport(manual.loop, PORT, () => undefined));
    closers.push(() => transport.close());
    expect(lan.host.enter(() => transport.update(device))).toHaveLength(1);
    expect(lan.host.enter(() => manual.run())).toBe(1);
    expect(manual.due).toHaveLength(1);
    other.close();
    lan.host.enter(() => manual.run());
    expect(manual.due).toEqual([]);
    const peer = lan.peer.enter(() => UdpSocket.open({ family: 4, port: PORT, minTtl: 255 }));
    closers.push(() => peer.close());
    transport.send(Buffer.from('here'), { address: '10.66.0.2' });
    expect((await received(() => peer.receive()))?.data.toString()).toBe('here');
  });

  it('a heartbeat in a full queue is sent once more, and counted when that fails, too', async () => {
    // Nothing leaves: the socket's own buffer fills up.
    lan.host.run('tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'tbf', 'rate', '8bit', 'burst', '1540', 'limit', '10000000');
    const transport = lan.host.enter(() => new Transport(manual.loop, PORT, () => undefined));
    closers.push(() => transport.close());
    expect(lan.host.enter(() => transport.update(device))).toEqual([]);
    const address = lan.peer.enter(() => UdpSocket.open({ family: 4, port: PORT, minTtl: 255 }));
    closers.push(() => address.close());
    const data = Buffer.alloc(1_000, 1);
    for (let sent = 0; sent < 5_000 && manual.due.length === 0; sent++) transport.send(data, { address: '10.66.0.2' });
    expect(manual.due).toHaveLength(1);
    expect(transport.errors).toBe(0);
    manual.run();
    expect(transport.errors).toBe(1);
    transport.send(Buffer.from('again'), { address: '10.66.0.2' });
    expect(manual.due).toHaveLength(1);
    lan.host.run('tc', 'qdisc', 'delete', 'dev', 'eth0', 'root');
    manual.run();
    expect(transport.errors).toBe(1);
    const last = await received(() => {
      const got = address.receive();
      return got?.data.toString() === 'again' ? got : undefined;
    });
    expect(last?.info.address).toBe('10.66.0.1');
  });
});
