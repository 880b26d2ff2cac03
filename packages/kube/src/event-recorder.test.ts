import type { EventsV1Event } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Client, connectTo } from './client.ts';
import { EventRecorder, type EventRecorderOptions } from './event-recorder.ts';
import { failure, ScriptedServer, sendJson, until } from './testing.ts';
import type { KubeObject, Wire } from './wire.ts';

const web: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name: 'web', uid: 'u1', resourceVersion: '4' },
};
const say = { type: 'Warning', reason: 'PoolExhausted', message: 'pool lan is full' } as const;

const server = new ScriptedServer((request, response) => sendJson(response, 201, JSON.parse(request.body)));
let client: Client;
beforeEach(async () => {
  server.seen.length = 0;
  server.answer = (request, response) => sendJson(response, 201, JSON.parse(request.body));
  await server.listen();
  client = connectTo(server.url, { qps: 0 });
});
afterEach(async () => {
  client.close();
  await server.kill();
});

function make(options: Partial<EventRecorderOptions> = {}) {
  return new EventRecorder(client, { component: 'heraldlb.io/controller', instance: 'pod-1', ...options });
}

const sent = () => server.seen.map(({ method, body }) => ({ method, ...(JSON.parse(body) as Wire<EventsV1Event>) }));

describe('EventRecorder', () => {
  it('writes what kubectl shows', async () => {
    const recorder = make();
    recorder.record(web, say);
    await recorder.stop();
    expect(server.seen[0]?.path).toBe('/apis/events.k8s.io/v1/namespaces/shop/events');
    expect(sent()).toMatchObject([
      {
        kind: 'Event',
        type: 'Warning',
        reason: 'PoolExhausted',
        action: 'PoolExhausted',
        note: 'pool lan is full',
        regarding: { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid: 'u1', resourceVersion: '4' },
        reportingController: 'heraldlb.io/controller',
        reportingInstance: 'pod-1',
      },
    ]);
    expect(sent()[0]?.eventTime).toMatch(/\.\d{6}Z$/);
    expect(sent()[0]?.metadata.name).toMatch(/^web\.[0-9a-f]+$/);
  });

  it('says the same state once, and counts when told to repeat', async () => {
    const recorder = make();
    for (let i = 0; i < 5; i++) recorder.record(web, say);
    recorder.record(web, { ...say, repeat: true });
    recorder.record(web, { ...say, message: 'pool lan is full again' });
    recorder.record(web, say);
    await recorder.stop();
    expect(sent().map(({ method, note, series }) => [method, note, series?.count])).toEqual([
      ['POST', 'pool lan is full', undefined],
      ['PATCH', undefined, 2],
      ['POST', 'pool lan is full again', undefined],
      ['POST', 'pool lan is full', undefined],
    ]);
  });

  it('says it again for another object, and after forget', async () => {
    const recorder = make();
    recorder.record(web, say);
    recorder.record({ ...web, metadata: { ...web.metadata, name: 'other', uid: 'u2' } }, say);
    recorder.forget(web);
    recorder.record(web, say);
    await recorder.stop();
    expect(sent().map(event => event.regarding?.name)).toEqual(['web', 'other', 'web']);
  });

  it('puts events of cluster-scoped objects into the default namespace and cuts long messages', async () => {
    const recorder = make();
    recorder.record({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'u' } }, { ...say, message: 'x'.repeat(5000) });
    await recorder.stop();
    expect(server.seen[0]?.path).toBe('/apis/events.k8s.io/v1/namespaces/default/events');
    expect(sent()[0]?.note?.length).toBe(1024);
  });

  it('never blocks: a full queue drops and says so; a refused event is given up', async () => {
    const drops: string[] = [];
    server.answer = () => {};
    const stuck = make({ capacity: 2, onDrop: reason => drops.push(reason) });
    for (let i = 0; i < 5; i++) stuck.record(web, { ...say, message: String(i) });
    expect(drops).toEqual(['queue full', 'queue full']);
    await stuck.stop(10);
    server.answer = (_, response) => sendJson(response, 403, failure(403, 'Forbidden', 'being terminated'));
    const refused = make({ onDrop: reason => drops.push(reason) });
    refused.record(web, say);
    await until(() => drops.some(reason => reason.includes('being terminated')), 'the refusal');
    await refused.stop();
    refused.record(web, say);
    expect(server.seen.filter(request => request.method === 'POST').length).toBe(2);
  });
});
