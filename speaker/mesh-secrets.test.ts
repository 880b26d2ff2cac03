import { type Client, connectTo, namespaces, secrets } from '@herald/kube';
import { until } from '@herald/kube/testing';
import { createLogger } from '@herald/process';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MeshSecrets } from './mesh-secrets.ts';

const ref = { name: 'mesh', namespace: 'herald-system' };

let server: ApiServer;
let client: Client;
let stop: AbortController;
let told: string[];
let mesh: MeshSecrets;

beforeEach(async () => {
  server = await startApiServer();
  client = connectTo(server.url, { qps: 0 });
  await client.create(namespaces, { metadata: { name: ref.namespace } });
  stop = new AbortController();
  told = [];
});
afterEach(async () => {
  stop.abort();
  mesh.stop();
  client.close();
  await server.close();
});

const data = (letter: string) => ({ key: Buffer.from(letter.repeat(32)).toString('base64') });
const text = (keys: readonly Uint8Array[]) => keys.map(key => Buffer.from(key).toString().slice(0, 1)).join();

it('a replaced key stays in force while its Secret changes otherwise, and nothing is told twice', async () => {
  await client.create(secrets, { metadata: ref, data: data('a') });
  const logger = createLogger({ component: 'speaker', level: 'silent' });
  mesh = new MeshSecrets({ client, ...ref, clusterUid: 'uid', logger, onChange: keys => told.push(text(keys)) });
  mesh.start(stop.signal);
  await until(() => told.length > 0, 'the key');
  await client.patch(secrets, ref, { data: data('b') }, { type: 'merge' });
  await until(() => told.length > 1, 'the new key');
  await client.patch(secrets, ref, { metadata: { labels: { app: 'herald' } } }, { type: 'merge' });
  await client.patch(secrets, ref, { data: { ...data('b'), previous: data('c').key } }, { type: 'merge' });
  await until(() => told.length > 2, 'the listed previous key');
  expect(told).toEqual(['a', 'b,a', 'b,c,a']);
  expect(text(mesh.current)).toBe('b,c,a');
});
