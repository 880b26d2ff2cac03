/** The thread that answers, as the speaker's wire thread does: with its responder, once by packet sockets alone and once with the kernel's. */
import { inNetworkNamespace, interfaces, loopWorkerSide, nowNs, openKernelResponder, setRealtime } from 'raw-socket';
import { AdoptedEntries } from '../../speaker/wire/adopted-entries.ts';
import { devicesOf } from '../../speaker/wire/devices.ts';
import type { Kernel } from '../../speaker/wire/kernel-answers.ts';
import { Leases } from '../../speaker/wire/leases.ts';
import { Responder } from '../../speaker/wire/responder.ts';
import type { ResponderOptions } from './messages.ts';

const LEASE_NS = 2_000_000_000n;

const side = loopWorkerSide<ResponderOptions & { realtime: boolean }>({ onError: error => side.post({ error: String(error) }) });
const { loop, data } = side;
const nothing = (): void => undefined;
const ignored = { asked: nothing, claimed: nothing, replied: nothing, unjoined: nothing, heard: nothing, holdOf: () => 0 };

inNetworkNamespace(data.namespace, () => {
  const device = devicesOf(interfaces(), [], new Set()).usable.find(({ name }) => name === 'eth0');
  if (!device) throw new Error(`${data.namespace} has no eth0`);
  const serve = (addresses: readonly string[], kernel?: Kernel): void =>
    new Responder(loop, device, ignored, kernel).setAddresses(new Map(addresses.map(ip => [ip, { mode: 'own' }])), []);
  serve(data.packet);
  const opened = openKernelResponder();
  if (opened.available) {
    const { responder } = opened;
    serve(data.kernel, { responder, leases: new Leases(responder, 1n, nowNs), adopted: new AdoptedEntries(responder) });
    const renew = (): void => {
      responder.renew(nowNs() + LEASE_NS);
      loop.after(Number(LEASE_NS / 4_000_000n), renew);
    };
    renew();
  }
  const realtime = data.realtime && setRealtime().granted;
  side.post({ ready: { kernel: opened.available || opened.because, realtime } });
});
side.run();
