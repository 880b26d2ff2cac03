import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../index.ts';
import { TestClient } from '../testing/client.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
let server: ApiServer;
let client: TestClient;

beforeAll(async () => {
  server = await startApiServer();
  client = new TestClient(server);
  await client.send('POST', MAPS, { metadata: { name: 'a' } });
});

beforeEach(() => server.faults.clear());
afterAll(() => server.close());

describe('faults', () => {
  it.each([
    [409, 'Conflict'],
    [410, 'Expired'],
    [429, 'TooManyRequests'],
    [500, 'InternalError'],
    [503, 'ServiceUnavailable'],
  ] as const)('answer %i as often as asked for', async (status, reason) => {
    server.faults.add({ verb: 'patch', resource: 'configmaps', status, times: 1 });
    expect((await client.merge(`${MAPS}/a`, { data: { k: reason } })).body).toMatchObject({ code: status, reason });
    expect((await client.merge(`${MAPS}/a`, { data: { k: reason } })).status).toBe(200);
  });

  it('cut the connection before or after the effect', async () => {
    server.faults.add({ verb: 'create', drop: 'before', times: 1 });
    await expect(client.send('POST', MAPS, { metadata: { name: 'before' } })).rejects.toThrow();
    server.faults.add({ verb: 'create', drop: 'after', times: 1 });
    await expect(client.send('POST', MAPS, { metadata: { name: 'after' } })).rejects.toThrow();
    expect((await client.get(`${MAPS}/before`)).status).toBe(404);
    expect((await client.get(`${MAPS}/after`)).status).toBe(200);
  });

  it('end watches, silently or with 410', async () => {
    const silent = await client.watch(`${MAPS}?watch=1&resourceVersion=${server.cluster.store.revision}`);
    server.faults.dropWatches('configmaps');
    expect(await silent.next()).toBeUndefined();
    const told = await client.watch(`${MAPS}?watch=1&resourceVersion=${server.cluster.store.revision}`);
    server.faults.expireWatches();
    expect(await told.next()).toMatchObject({ type: 'ERROR', object: { code: 410 } });
  });

  it('show stale lists, where a client allows them', async () => {
    const thaw = server.faults.freezeReads('configmaps');
    await client.send('POST', MAPS, { metadata: { name: 'fresh' } });
    const names = async (query: string): Promise<string[]> =>
      ((await client.get(`${MAPS}?${query}`)).body['items'] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
    expect(await names('resourceVersion=0')).not.toContain('fresh');
    expect(await names('')).toContain('fresh');
    thaw();
    expect(await names('resourceVersion=0')).toContain('fresh');
  });

  it('hold back one kind, so that another overtakes it', async () => {
    const from = server.cluster.store.revision;
    const maps = await client.watch(`${MAPS}?watch=1&resourceVersion=${from}`);
    const secrets = await client.watch(`/api/v1/namespaces/default/secrets?watch=1&resourceVersion=${from}`);
    server.faults.delayEvents('configmaps', 1000);
    await client.send('POST', MAPS, { metadata: { name: 'held' } });
    await client.send('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 'quick' } });
    const order: string[] = [];
    await Promise.all([maps.next().then(() => order.push('map')), secrets.next().then(() => order.push('secret'))]);
    expect(order).toEqual(['secret', 'map']);
    maps.close();
    secrets.close();
  });

  it('restart with the state, with and without the history', async () => {
    const from = server.cluster.store.revision;
    await client.send('POST', MAPS, { metadata: { name: 'between' } });
    await server.restart();
    const watch = await client.watch(`${MAPS}?watch=1&resourceVersion=${from}`);
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'between' } } });
    watch.close();
    await server.restart({ loseHistory: true });
    const late = await client.watch(`${MAPS}?watch=1&resourceVersion=${from}`);
    expect(await late.next()).toMatchObject({ type: 'ERROR', object: { code: 410 } });
    late.close();
    expect(server.cluster.store.get('configmaps', 'default', 'between')).toBeDefined();
  });
});

describe('the audit log', () => {
  it('counts writes, and leaves out dry runs', async () => {
    server.audit.clear();
    await client.get(`${MAPS}/a`);
    await client.merge(`${MAPS}/a?dryRun=All`, { data: { k: '1' } });
    await client.merge(`${MAPS}/a`, { data: { k: '2' } });
    await client.merge(`${MAPS}/none`, { data: { k: '2' } });
    expect(server.audit.writes({ resource: 'configmaps' }).map(({ verb, name, status }) => [verb, name, status])).toEqual([
      ['patch', 'a', 200],
      ['patch', 'none', 404],
    ]);
    expect(server.audit.count({ verb: 'get' })).toBe(1);
  });
});
