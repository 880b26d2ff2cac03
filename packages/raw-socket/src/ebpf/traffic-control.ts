import { EEXIST, EINVAL, ENODEV, ENOENT } from '../errno.ts';
import { systemError } from '../error.ts';
import { attribute } from '../netlink/codec.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';

// Traffic control (tc-bpf(8)): how programs are attached on kernels without TCX links. Unlike those, a filter stays when its process ends.
const RTM_NEWQDISC = 36;
const RTM_NEWTFILTER = 44;
const RTM_DELTFILTER = 45;
const NLM_F_REPLACE = 0x100;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const TC_H_CLSACT = 0xffff_fff1;
const CLSACT_HANDLE = 0xffff_0000;
const INGRESS = 0xffff_fff2;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_BPF = { FD: 6, NAME: 7, FLAGS: 8 };
const ACT_DIRECT = 1;
const NLA_F_NESTED = 0x8000;
/** First in the chain, for every protocol; ETH_P_ALL in network order. */
const PRIORITY_AND_PROTOCOL = ((1 << 16) | 0x0300) >>> 0;
/** Ours among the filters of that priority ("arp" in ASCII): others' programs there have handles of their own. */
const HANDLE = 0x0061_7270;

/** struct tcmsg: u8 family, pad · i32 ifindex @4 · u32 handle @8 · u32 parent @12 · u32 info @16. */
function tcmsg(ifindex: number, handle: number, parent: number, info: number, ...attributes: Buffer[]): Buffer {
  const head = Buffer.alloc(20);
  head.writeInt32LE(ifindex, 4);
  head.writeUInt32LE(handle, 8);
  head.writeUInt32LE(parent, 12);
  head.writeUInt32LE(info, 16);
  return Buffer.concat([head, ...attributes]);
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value, 0);
  return bytes;
};
const change = (type: number, flags: number, request: Buffer): number =>
  NetlinkSocket.change(NETLINK_ROUTE, "the kernel's traffic control", type, flags, request);

/** Puts the program at the interface's ingress, in the place of an earlier one of ours, without a packet in between. */
export function attachFilterProgram(ifindex: number, programFd: number): void {
  const doing = `attach the eBPF responder to interface ${ifindex} by traffic control`;
  const qdisc = change(
    RTM_NEWQDISC,
    NLM_F_CREATE | NLM_F_EXCL,
    tcmsg(ifindex, CLSACT_HANDLE, TC_H_CLSACT, 0, attribute(TCA_KIND, Buffer.from('clsact\0'))),
  );
  if (qdisc < 0 && qdisc !== -EEXIST) throw systemError('netlink', -qdisc, doing, 'CAP_NET_ADMIN');
  const options = Buffer.concat([
    attribute(TCA_BPF.FD, u32(programFd)),
    attribute(TCA_BPF.NAME, Buffer.from('arp_ndp\0')),
    attribute(TCA_BPF.FLAGS, u32(ACT_DIRECT)),
  ]);
  const filter = change(
    RTM_NEWTFILTER,
    NLM_F_CREATE | NLM_F_REPLACE,
    tcmsg(
      ifindex,
      HANDLE,
      INGRESS,
      PRIORITY_AND_PROTOCOL,
      attribute(TCA_KIND, Buffer.from('bpf\0')),
      attribute(TCA_OPTIONS | NLA_F_NESTED, options),
    ),
  );
  if (filter < 0) throw systemError('netlink', -filter, doing, 'CAP_NET_ADMIN');
}

/** Removes our program; that it, or the interface, is gone already is no error. The (empty) qdisc stays: others may use it. */
export function detachFilterProgram(ifindex: number): void {
  const result = change(
    RTM_DELTFILTER,
    0,
    tcmsg(ifindex, HANDLE, INGRESS, PRIORITY_AND_PROTOCOL, attribute(TCA_KIND, Buffer.from('bpf\0'))),
  );
  if (result < 0 && ![ENOENT, ENODEV, EINVAL].includes(-result)) {
    throw systemError('netlink', -result, `detach the eBPF responder from interface ${ifindex}`, 'CAP_NET_ADMIN');
  }
}
