import { afterEach, describe, expect, it } from 'vitest';
import { type Client, connectTo } from './client.ts';
import { endpointSlices, nodes, services } from './resource.ts';
import { failure, ScriptedServer, sendJson } from './testing.ts';
import type { RequestObservation } from './transport.ts';

const observed: RequestObservation[] = [];
const server = new ScriptedServer((_, response) => sendJson(response, 200, {}));
let client: Client | undefined;

async function start(): Promise<Client> {
  await server.listen();
  client = connectTo(server.url, { qps: 0, token: 'secret-token', timeoutMs: 5000, observer: observation => observed.push(observation) });
  return client;
}

afterEach(async () => {
  client?.close();
  await server.kill();
  server.seen.length = 0;
  observed.length = 0;
});

describe('Client', () => {
  it('addresses objects, subresources and patches as the API wants them', async () => {
    server.answer = (_, response) => sendJson(response, 200, { metadata: { name: 'web' } });
    const api = await start();
    const ref = { namespace: 'shop', name: 'web' };
    await api.get(services, ref);
    await api.patch(services, ref, { status: {} }, { type: 'merge', subresource: 'status', fieldManager: 'herald' });
    await api.patch(services, ref, [], { type: 'json' });
    await api.patch(services, ref, {}, { type: 'strategic' });
    await api.apply(
      services,
      { metadata: ref, status: { conditions: [] } },
      { subresource: 'status', fieldManager: 'herald', force: true },
    );
    await api.replace(services, { metadata: { ...ref, resourceVersion: '7' } });
    await api.create(endpointSlices, { metadata: { namespace: 'shop', name: 'web-1' }, addressType: 'IPv4', endpoints: [] });
    await api.delete(nodes, { name: 'n1' }, { uid: 'u', propagationPolicy: 'Foreground' });
    const slices = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices';
    const web = '/api/v1/namespaces/shop/services/web';
    expect(server.seen.map(({ method, path, query, headers }) => [method, path, query.toString(), headers['content-type']])).toEqual([
      ['GET', web, '', undefined],
      ['PATCH', `${web}/status`, 'fieldManager=herald', 'application/merge-patch+json'],
      ['PATCH', web, '', 'application/json-patch+json'],
      ['PATCH', web, '', 'application/strategic-merge-patch+json'],
      ['PATCH', `${web}/status`, 'fieldManager=herald&force=true', 'application/apply-patch+yaml'],
      ['PUT', web, '', 'application/json'],
      ['POST', slices, '', 'application/json'],
      ['DELETE', '/api/v1/nodes/n1', '', 'application/json'],
    ]);
    expect(server.seen.every(request => request.headers.authorization === 'Bearer secret-token')).toBe(true);
    expect(JSON.parse(server.seen[4]?.body ?? '')).toMatchObject({ apiVersion: 'v1', kind: 'Service', metadata: ref });
    expect(JSON.parse(server.seen[7]?.body ?? '')).toMatchObject({ preconditions: { uid: 'u' }, propagationPolicy: 'Foreground' });
    expect(observed.map(({ verb, resource, code }) => `${verb} ${resource} ${code}`).slice(0, 2)).toEqual([
      'get services 200',
      'patch services/status 200',
    ]);
  });

  it('percent-encodes names and refuses references that would address a collection', async () => {
    const api = await start();
    await api.get(services, { namespace: 'a/b', name: '../x?y' });
    expect(server.seen[0]?.path).toBe('/api/v1/namespaces/a%2Fb/services/..%2Fx%3Fy');
    await expect(api.get(services, { namespace: 'shop', name: '' })).rejects.toThrow('a Service needs a name');
    await expect(api.delete(services, { name: 'web' })).rejects.toThrow('Service web needs a namespace');
    expect(server.seen.length).toBe(1);
  });

  it.each([
    [400, 'BadRequest', 'bad-request'],
    [404, 'NotFound', 'not-found'],
    [409, 'Conflict', 'conflict'],
    [409, 'AlreadyExists', 'already-exists'],
    [410, 'Expired', 'gone'],
    [415, 'UnsupportedMediaType', 'unsupported'],
    [422, 'Invalid', 'invalid'],
    [500, 'InternalError', 'server-error'],
    [503, 'ServiceUnavailable', 'unavailable'],
    [504, 'Timeout', 'timeout'],
  ])('parses a Status %i %s into code %s', async (status, reason, code) => {
    server.answer = (_, response) =>
      sendJson(response, status, failure(status, reason, 'services "web" said so', { name: 'web', causes: [{ field: 'spec' }] }));
    const api = await start();
    const error: unknown = await api.get(services, { namespace: 'shop', name: 'web' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'ApiError', code, status, reason, details: { name: 'web', causes: [{ field: 'spec' }] } });
    expect(String(error)).toContain('get services: services "web" said so');
  });

  it('says of a 403 what to grant, and never the token', async () => {
    server.answer = (_, response) => sendJson(response, 403, failure(403, 'Forbidden', 'services "web" is forbidden'));
    const api = await start();
    const error: unknown = await api
      .apply(services, { metadata: { namespace: 'shop', name: 'web' } }, { subresource: 'status', fieldManager: 'h' })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'forbidden' });
    expect(String(error)).toContain('grant verb "patch" on resource "services/status" of API group "" in namespace "shop"');
    expect(JSON.stringify(error) + String(error)).not.toContain('secret-token');
  });

  it('finds nothing where there is nothing, and fails on anything else', async () => {
    server.answer = (_, response) => sendJson(response, 404, failure(404, 'NotFound'));
    const api = await start();
    expect(await api.find(nodes, { name: 'n1' })).toBeUndefined();
    server.answer = (_, response) => sendJson(response, 500, 'oops');
    await expect(api.find(nodes, { name: 'n1' })).rejects.toMatchObject({ code: 'server-error' });
  });

  it.each([
    ['429 with Retry-After', 429, { 'retry-after': '0' }],
    ['503 with Retry-After', 503, { 'retry-after': '0' }],
  ])('repeats after a %s', async (_, status, headers) => {
    let refusals = 2;
    server.answer = (_, response) => {
      if (refusals-- > 0) sendJson(response, status, failure(status, 'Busy'), headers);
      else sendJson(response, 200, { metadata: { name: 'n1' } });
    };
    const api = await start();
    expect((await api.get(nodes, { name: 'n1' })).metadata.name).toBe('n1');
    expect(server.seen.length).toBe(3);
  });

  it('does not repeat a 503 without Retry-After, and gives up on endless ones', async () => {
    server.answer = (_, response) => sendJson(response, 503, failure(503, 'ServiceUnavailable'));
    const api = await start();
    await expect(api.get(nodes, { name: 'n1' })).rejects.toMatchObject({ code: 'unavailable' });
    expect(server.seen.length).toBe(1);
    server.answer = (_, response) => sendJson(response, 429, failure(429, 'TooManyRequests'), { 'retry-after': '0' });
    await expect(api.get(nodes, { name: 'n1' })).rejects.toMatchObject({ code: 'too-many-requests' });
    expect(server.seen.length).toBe(7);
  });

  it('asks again on a fresh connection when the server dropped the idle one', async () => {
    server.answer = (_, response) => sendJson(response, 200, { metadata: { name: 'n1' } });
    const api = await start();
    await api.get(nodes, { name: 'n1' });
    let dropped = false;
    server.answer = (_, response) => {
      if (!dropped) {
        dropped = true;
        response.socket?.resetAndDestroy();
      } else sendJson(response, 200, { metadata: { name: 'n2' } });
    };
    expect((await api.get(nodes, { name: 'n2' })).metadata.name).toBe('n2');
  });

  it('reads credentials anew after a 401, once', async () => {
    server.answer = (_, response) => sendJson(response, 401, failure(401, 'Unauthorized'));
    const api = await start();
    await expect(api.get(nodes, { name: 'n1' })).rejects.toMatchObject({ code: 'unauthorized' });
    expect(server.seen.length).toBe(2);
  });

  it('honours an abort, before and during', async () => {
    server.answer = () => {};
    const api = await start();
    await expect(api.get(nodes, { name: 'n1' }, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    await expect(api.get(nodes, { name: 'n1' }, { signal: abort.signal })).rejects.toMatchObject({ code: 'aborted' });
    await expect(api.get(nodes, { name: 'n1' }, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'timeout' });
  });

  it('calls an answer that is not JSON malformed', async () => {
    server.answer = (_, response) => void response.end('<html>');
    const api = await start();
    await expect(api.get(nodes, { name: 'n1' })).rejects.toMatchObject({ code: 'malformed' });
  });

  it('fills in kind and apiVersion that list items lack, and takes items: null for empty', async () => {
    server.answer = (_, response) =>
      sendJson(response, 200, { metadata: { resourceVersion: '5' }, items: [{ metadata: { name: 'a', namespace: 'n' } }] });
    const api = await start();
    expect(await api.list(endpointSlices)).toMatchObject({
      resourceVersion: '5',
      items: [{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'a' } }],
    });
    server.answer = (_, response) => sendJson(response, 200, { metadata: { resourceVersion: '5' }, items: null });
    expect((await api.list(endpointSlices)).items).toEqual([]);
  });
});
