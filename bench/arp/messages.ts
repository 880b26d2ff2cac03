/** What the parts of the ARP benchmark tell each other. */

/** For whoever answers: the addresses of the packet socket and of the eBPF program, on interface `eth0` of the namespace. */
export interface ResponderOptions {
  namespace: string;
  packet: string[];
  kernel: string[];
}

/** One line each, on the responder's standard input. */
export type ResponderCommand = 'busy' | 'idle' | 'end';
