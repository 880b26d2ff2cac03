/** The thread that answers, as the speaker's wire thread does: its packet responder, and the lease of the kernel responder. */
import { inNetworkNamespace, interfaces, loopWorkerSide, nowNs, openKernelResponder, setRealtime } from 'raw-socket';
import { usableDevices } from '../../speaker/wire/devices.ts';
import { PacketResponder } from '../../speaker/wire/responder.ts';
import type { ResponderOptions } from './messages.ts';

const LEASE_NS = 2_000_000_000n;

const side = loopWorkerSide<ResponderOptions & { realtime: boolean }>({ onError: error => side.post({ error: String(error) }) });
const { loop, data } = side;
const ignored = { asked: () => undefined, claimed: () => undefined, replied: () => undefined, heard: () => undefined };

inNetworkNamespace(data.namespace, () => {
  const device = usableDevices(interfaces(), [], new Set()).find(({ name }) => name === 'eth0');
  if (!device) throw new Error(`${data.namespace} has no eth0`);
  const packet = new PacketResponder(loop, device, ignored);
  packet.setAddresses(new Map(data.packet.map(ip => [ip, { mode: 'own' }])), []);
  const opened = openKernelResponder();
  if (opened.available) {
    const { responder } = opened;
    responder.attach(device.index);
    for (const address of data.kernel) responder.set({ interfaceIndex: device.index, address, mac: device.mac });
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
