import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { connectTo, endpointSlices, Informer, services } from '@herald/kube';
import { Relay } from '../relay.ts';
import { BoundAddresses } from './ipvs.ts';
import { ruleset } from './rules.ts';

/**
 * The part of a node that is not Herald: the way to the API server (127.0.0.1:6443, passed on to a Unix socket) and Service forwarding, which
 * kube-proxy does on a real node. Runs inside the node's network namespace; prints `ready` once its first rules are loaded.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      node: { type: 'string', default: '' },
      api: { type: 'string', default: '' },
      'kube-proxy': { type: 'string', default: 'nftables' },
      'pod-cidr': { type: 'string', multiple: true, default: [] },
    },
  });
  const relay = await Relay.start({ host: '127.0.0.1', port: 6443 }, { path: values.api });
  const client = connectTo('http://127.0.0.1:6443', { userAgent: 'playground-agent' });
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());

  const serviceInformer = new Informer(client, services);
  const sliceInformer = new Informer(client, endpointSlices);
  const ipvs = values['kube-proxy'] === 'ipvs' ? new BoundAddresses() : undefined;
  await ipvs?.begin();
  let loading: Promise<void> = Promise.resolve();
  let waiting = false;
  /** One load at a time; changes that arrive meanwhile are in the next. */
  const load = (): Promise<void> => {
    if (waiting) return loading;
    waiting = true;
    loading = loading.then(async () => {
      waiting = false;
      const node = { name: values.node, podCidrs: values['pod-cidr'] };
      await nft(ruleset(serviceInformer.list(), sliceInformer.list(), node));
      await ipvs?.update(serviceInformer.list());
    });
    return loading;
  };
  const onEvent = () => {
    if (serviceInformer.hasSynced && sliceInformer.hasSynced) load().catch((error: unknown) => console.error(String(error)));
  };
  serviceInformer.on(onEvent);
  sliceInformer.on(onEvent);
  serviceInformer.start(stop.signal);
  sliceInformer.start(stop.signal);
  await Promise.all([serviceInformer.synced(stop.signal), sliceInformer.synced(stop.signal)]);
  await load();
  console.log('ready');
  if (!stop.signal.aborted) await new Promise(resolve => stop.signal.addEventListener('abort', resolve, { once: true }));
  await Promise.all([serviceInformer.stop(), sliceInformer.stop()]);
  client.close();
  await relay.close();
}

/** Loads a script atomically: either all of it is in force, or nothing changed and the reason is thrown. */
function nft(script: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.once('error', reject);
    child.once('exit', code => (code === 0 ? resolve() : reject(new Error(`nft refused the rules: ${said.slice(0, 2000)}`))));
    child.stdin.on('error', () => undefined);
    child.stdin.end(script);
  });
}

await main();
