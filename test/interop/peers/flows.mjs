// Opens many flows and asks over each until it is told to stop; prints, per round, how many flows each node has answered.
import { createSocket } from 'node:dgram';

const [address, port, count, interval] = process.argv.slice(2);
const flows = Array.from({ length: Number(count) }, () => {
  const flow = { socket: createSocket('udp4'), owner: undefined };
  flow.socket.on('message', data => {
    flow.owner = data.toString();
  });
  flow.socket.on('error', () => {});
  return flow;
});
setInterval(() => {
  const owners = {};
  for (const flow of flows) {
    owners[flow.owner ?? 'none'] = (owners[flow.owner ?? 'none'] ?? 0) + 1;
    flow.owner = undefined;
    flow.socket.send('?', Number(port), address);
  }
  process.send?.(owners);
}, Number(interval));
process.on('disconnect', () => process.exit(0));
