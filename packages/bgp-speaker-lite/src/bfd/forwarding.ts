import { readFileSync } from 'node:fs';

/** Where the kernel says whether it forwards. */
export const FORWARDING = {
  4: { name: 'net.ipv4.ip_forward', file: '/proc/sys/net/ipv4/ip_forward' },
  6: { name: 'net.ipv6.conf.all.forwarding', file: '/proc/sys/net/ipv6/conf/all/forwarding' },
} as const;

/** Echo packets are sent back by the forwarding of the kernel: their source and destination are the peer's own address. */
export function kernelForwards(family: 4 | 6): boolean {
  try {
    return readFileSync(FORWARDING[family].file, 'utf8').trim() !== '0';
  } catch {
    return false;
  }
}
