import { parseArgs } from 'node:util';
import { startApiServer } from './index.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8001' },
    insecure: { type: 'boolean', default: false },
    'service-cidr': { type: 'string', default: '10.96.0.0/16' },
    'node-port-range': { type: 'string', default: '30000-32767' },
  },
});

const [first = 0, last = 0] = values['node-port-range'].split('-').map(Number);
const server = await startApiServer({
  port: Number(values.port),
  network: { serviceCidrs: values['service-cidr'].split(','), nodePorts: [first, last] },
});
process.stdout.write(`ready ${server.url}\n`);
const stop = (): void => {
  void server.close().then(() => process.exit(0));
};
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
