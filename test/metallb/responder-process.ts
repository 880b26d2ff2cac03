import { createInterface } from 'node:readline';
import { arpFilter, eventLoop, interfaceIndex, interfaces, PacketSocket, parseIp, parseMac } from 'raw-socket';

/**
 * Answers ARP requests as MetalLB's speaker does: with the MAC of the interface, for addresses that no interface has. Reads lines `own ADDRESS`
 * and `drop ADDRESS`; writes `ready`.
 */
const device = process.argv[2] ?? 'eth0';
const mac = parseMac(interfaces().find(({ name }) => name === device)?.mac ?? '');
const owned = new Set<string>();

/** Gratuitous or solicited reply, RFC 826: `ip` is at our MAC. */
function reply(ip: Buffer, toMac: Buffer, toIp: Buffer): Buffer {
  const frame = Buffer.alloc(42);
  toMac.copy(frame, 0);
  mac.copy(frame, 6);
  Buffer.from([0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x02]).copy(frame, 12);
  mac.copy(frame, 22);
  ip.copy(frame, 28);
  toMac.copy(frame, 32);
  toIp.copy(frame, 38);
  return frame;
}

const socket = PacketSocket.open({
  interface: device,
  filter: arpFilter({ interfaceIndex: interfaceIndex(device), operations: ['request'] }),
  protocol: 0x0806,
  onFrame: frame => {
    if (frame.length < 42) return;
    const target = frame.subarray(38, 42);
    if (owned.has([...target].join('.'))) socket.send(reply(target, frame.subarray(22, 28), frame.subarray(28, 32)));
  },
});
eventLoop.add(socket);
createInterface(process.stdin)
  .on('line', line => {
    const [verb, address = ''] = line.split(' ');
    if (verb !== 'own') owned.delete(address);
    else if (!owned.has(address)) {
      owned.add(address);
      socket.send(reply(parseIp(address), Buffer.alloc(6, 0xff), parseIp(address)));
    }
  })
  .on('close', () => process.exit(0));
console.log('ready');
