/** A process that runs a kernel responder, for responder.test.ts to kill and to stop. Its argument: a JSON object. */
import { nowNs } from '../clock.ts';
import { inNetworkNamespace } from '../netns.ts';
import { interfaceIndex } from '../sockaddr.ts';
import type { ResponderEntry } from './layout.ts';
import { openKernelResponder } from './responder.ts';

export interface FixtureOptions {
  namespace: string;
  pinDirectory?: string;
  entries: Omit<ResponderEntry, 'interfaceIndex'>[];
  leaseMs: number;
  attachBy?: 'tcx' | 'tc';
}

const options = JSON.parse(process.argv[2] ?? '{}') as FixtureOptions;

inNetworkNamespace(options.namespace, () => {
  const opened = openKernelResponder({ pinDirectory: options.pinDirectory, attachBy: options.attachBy });
  if (!opened.available) throw new Error(opened.because);
  const { responder } = opened;
  const index = interfaceIndex('eth0');
  responder.attach(index);
  for (const entry of options.entries) responder.set({ ...entry, interfaceIndex: index });
  const renew = (): void => responder.renew(nowNs() + BigInt(options.leaseMs) * 1_000_000n);
  renew();
  setInterval(renew, options.leaseMs / 4);
  process.stdout.write(`ready ${responder.pinned} ${responder.adopted} ${responder.entries().length}\n`);
});
