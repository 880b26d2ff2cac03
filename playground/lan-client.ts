import { createInterface } from 'node:readline';
import {
  arpFilter,
  eventLoop,
  formatIp,
  formatMac,
  interfaceIndex,
  interfaces,
  ndpFilter,
  PacketSocket,
  parseIp,
  parseMac,
  solicitedNodeGroup,
} from 'raw-socket';

/**
 * A host on the LAN that asks who has an address, over and over, and writes down every answer. It builds its frames itself, so that it judges
 * the speakers by nothing but what is on the wire.
 *
 * Reads lines `ask ADDRESS MS` and `stop ADDRESS`; writes `ready`, then `reply TIME ADDRESS MAC` (milliseconds since the epoch) per answer.
 */
const device = process.argv[2] ?? 'eth0';
const me = interfaces().find(candidate => candidate.name === device);
if (!me?.mac) throw new Error(`no Ethernet interface ${device}`);
const mac = parseMac(me.mac);
const ipv4 = parseIp(me.addresses.find(({ address }) => !address.includes(':'))?.address ?? '0.0.0.0');
const ipv6 = parseIp(me.addresses.find(({ address }) => address.startsWith('fe80:'))?.address ?? '::');

/** ARP request, RFC 826: who has `target`, tell me. */
function arpRequest(target: Buffer): Buffer {
  const frame = Buffer.alloc(42);
  frame.fill(0xff, 0, 6);
  mac.copy(frame, 6);
  Buffer.from([0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01]).copy(frame, 12);
  mac.copy(frame, 22);
  ipv4.copy(frame, 28);
  target.copy(frame, 38);
  return frame;
}

/** Neighbour Solicitation with our link-layer address, RFC 4861 §4.3, to the solicited-node group of `target`. */
function neighbourSolicitation(target: Buffer): Buffer {
  const group = solicitedNodeGroup(formatIp(target));
  const frame = Buffer.alloc(86);
  parseMac(group.mac).copy(frame, 0);
  mac.copy(frame, 6);
  Buffer.from([0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255]).copy(frame, 12);
  ipv6.copy(frame, 22);
  parseIp(group.group).copy(frame, 38);
  frame.writeUInt8(135, 54);
  target.copy(frame, 62);
  frame.writeUInt16BE(0x0101, 78);
  mac.copy(frame, 80);
  frame.writeUInt16BE(checksum(frame), 56);
  return frame;
}

/** Internet checksum over the pseudo header and the ICMPv6 message (RFC 4443 §2.3). */
function checksum(frame: Buffer): number {
  let sum = 32 + 58;
  for (let i = 22; i < frame.length; i += 2) sum += frame.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function report(address: Buffer, sender: Buffer): void {
  process.stdout.write(`reply ${performance.timeOrigin + performance.now()} ${formatIp(address)} ${formatMac(sender)}\n`);
}

const ifindex = interfaceIndex(device);
const arp = PacketSocket.open({
  interface: device,
  filter: arpFilter({ interfaceIndex: ifindex, operations: ['reply'] }),
  protocol: 0x0806,
  onFrame: frame => frame.length >= 42 && report(frame.subarray(28, 32), frame.subarray(22, 28)),
});
const ndp = PacketSocket.open({
  interface: device,
  filter: ndpFilter({ interfaceIndex: ifindex, types: ['advertisement'] }),
  protocol: 0x86dd,
  onFrame: frame => frame.length >= 86 && report(frame.subarray(62, 78), frame.subarray(80, 86)),
});
eventLoop.add(arp);
eventLoop.add(ndp);

const asking = new Map<string, NodeJS.Timeout>();
createInterface(process.stdin)
  .on('line', line => {
    const [verb, address = '', interval = '5'] = line.split(' ');
    clearInterval(asking.get(address));
    asking.delete(address);
    if (verb !== 'ask') return;
    const target = parseIp(address);
    const frame = target.length === 4 ? arpRequest(target) : neighbourSolicitation(target);
    const socket = target.length === 4 ? arp : ndp;
    socket.send(frame);
    asking.set(
      address,
      setInterval(() => socket.send(frame), Number(interval)),
    );
  })
  .on('close', () => process.exit(0));
console.log('ready');
