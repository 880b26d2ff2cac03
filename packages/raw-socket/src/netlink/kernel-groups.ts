import { AF_INET6 } from '../constants.ts';
import { EADDRINUSE, EADDRNOTAVAIL, EEXIST, ENODEV } from '../errno.ts';
import { RawSocketError, systemError } from '../error.ts';
import { parseIp } from '../inet.ts';
import { attribute } from './codec.ts';
import { RTM } from './route-messages.ts';
import { NETLINK_ROUTE, NetlinkSocket } from './socket.ts';

const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const IFA_F_NODAD = 0x02;
const IFA_F_MCAUTOJOIN = 0x400;

/**
 * Has the kernel itself join an IPv6 group (`ip address add GROUP/128 dev … autojoin`): reports go out, switches and network cards let the
 * group through, and it lasts until it is left again, whatever becomes of this process. Needs CAP_NET_ADMIN.
 *
 * When the interface goes down the kernel forgets the address but not the membership: joining again then is "in use", which is what was
 * wanted, and the membership can be left no more until the interface is removed. It costs a switch one entry.
 */
export function joinInKernel(interfaceIndex: number, group: string): void {
  const result = change(RTM.NEWADDR, NLM_F_CREATE | NLM_F_EXCL, interfaceIndex, group);
  if (result < 0 && result !== -EEXIST && result !== -EADDRINUSE) {
    throw systemError('netlink', -result, `join ${group} on interface ${interfaceIndex} for good`, 'CAP_NET_ADMIN');
  }
}

/** The interface, or the membership, may be gone already. */
export function leaveInKernel(interfaceIndex: number, group: string): void {
  const result = change(RTM.DELADDR, 0, interfaceIndex, group);
  if (result < 0 && result !== -EADDRNOTAVAIL && result !== -ENODEV) {
    throw systemError('netlink', -result, `leave ${group} on interface ${interfaceIndex}`, 'CAP_NET_ADMIN');
  }
}

/** struct ifaddrmsg: u8 family · u8 prefixlen · u8 flags · u8 scope · u32 index @4; attributes LOCAL 2, ADDRESS 1, FLAGS 8. */
function change(type: number, flags: number, interfaceIndex: number, group: string): number {
  const address = parseIp(group);
  if (address.length !== 16 || address[0] !== 0xff) throw new RawSocketError('InvalidArgument', `${group} is not an IPv6 multicast group`);
  const header = Buffer.from([AF_INET6, 128, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32LE(interfaceIndex, 4);
  const how = Buffer.alloc(4);
  how.writeUInt32LE(IFA_F_NODAD | IFA_F_MCAUTOJOIN, 0);
  const request = Buffer.concat([header, attribute(2, address), attribute(1, address), attribute(8, how)]);
  return NetlinkSocket.change(NETLINK_ROUTE, "the kernel's addresses", type, flags, request);
}
