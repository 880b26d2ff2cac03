import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../index.ts';
import { TestClient, type Watch } from '../testing/client.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
let server: ApiServer;
let client: TestClient;

beforeAll(async () => {
  server = await startApiServer({ historySize: 20 });
  client = new TestClient(server);
});

afterAll(() => server.close());

const make = async (name: string, labels: Record<string, string> = {}): Promise<string> => {
  const { body } = await client.send('POST', MAPS, { metadata: { name, labels } });
  return (body['metadata'] as { resourceVersion: string }).resourceVersion;
};

const shown = async (watch: Watch, count: number): Promise<string[]> => {
  const events: string[] = [];
  while (events.length < count) {
    const event = await watch.next();
    if (event === undefined) break;
    events.push(`${event.type} ${event.object.metadata.name ?? ''}`);
  }
  watch.close();
  return events;
};

describe('watch', () => {
  it('replays what came after a version, then what comes', async () => {
    const from = await make('a1');
    await make('a2');
    const watch = await client.watch(`${MAPS}?watch=1&resourceVersion=${from}`);
    await client.merge(`${MAPS}/a1`, { data: { k: 'v' } });
    await client.send('DELETE', `${MAPS}/a2`);
    expect(await shown(watch, 3)).toEqual(['ADDED a2', 'MODIFIED a1', 'DELETED a2']);
  });

  it('shows what leaves and enters a selector as deleted and added', async () => {
    const from = await make('s1', { app: 'x' });
    await make('s2', { app: 'y' });
    const watch = await client.watch(`${MAPS}?watch=1&labelSelector=app%3Dx&resourceVersion=${from}`);
    await client.merge(`${MAPS}/s1`, { metadata: { labels: { app: 'z' } } });
    await client.merge(`${MAPS}/s2`, { metadata: { labels: { app: 'x' } } });
    await client.send('DELETE', `${MAPS}/s2`);
    expect(await shown(watch, 3)).toEqual(['DELETED s1', 'ADDED s2', 'DELETED s2']);
  });

  it('ends initial events with an annotated bookmark', async () => {
    await make('i1');
    const query =
      'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3Di1';
    const watch = await client.watch(`${MAPS}?${query}`);
    expect((await watch.next())?.type).toBe('ADDED');
    const bookmark = await watch.next();
    watch.close();
    expect(bookmark).toMatchObject({ type: 'BOOKMARK', object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } });
  });

  it('answers 410 as an event when history does not reach', async () => {
    const watch = await client.watch(`${MAPS}?watch=1&resourceVersion=1`);
    expect(watch.status).toBe(200);
    expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    expect(await watch.next()).toBeUndefined();
  });

  it('ends by itself after timeoutSeconds', async () => {
    const watch = await client.watch(`${MAPS}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dnone`);
    expect(await watch.next()).toBeUndefined();
  });

  it('pages are of one version, whatever happens between them', async () => {
    for (const name of ['p1', 'p2', 'p3']) await make(name, { page: 'yes' });
    const first = await client.get(`${MAPS}?limit=2&labelSelector=page%3Dyes`);
    const token = (first.body['metadata'] as { continue: string }).continue;
    await client.send('DELETE', `${MAPS}/p3`);
    const second = await client.get(`${MAPS}?limit=2&labelSelector=page%3Dyes&continue=${token}`);
    expect((second.body['items'] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name)).toEqual(['p3']);
    server.faults.compact();
    expect((await client.get(`${MAPS}?limit=2&continue=${token}`)).status).toBe(410);
  });
});

describe('versions of a read', () => {
  it.each([
    ['0', 200, ''],
    ['x', 500, 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'],
    ['999999999', 504, 'Too large resource version'],
  ])('GET at %s is %i', async (version, status, message) => {
    const answer = await client.get(`/api/v1/namespaces/default?resourceVersion=${version}`);
    expect([answer.status, answer.body['message'] ?? '']).toEqual([status, expect.stringContaining(message)]);
  });

  it('refuses a list at a version that is forgotten', async () => {
    const from = await make('old');
    for (let i = 0; i < 30; i++) await client.merge(`${MAPS}/old`, { data: { i: String(i) } });
    const { status, body } = await client.get(`${MAPS}?resourceVersion=${from}&resourceVersionMatch=Exact`);
    expect([status, body['message']]).toEqual([410, 'The resourceVersion for the provided list is too old.']);
  });

  it('answers 304 to a client that has the discovery document', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const first = await fetch(new URL('/apis', server.url), { headers: { accept } });
    await first.arrayBuffer();
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[0-9A-F]{128}"$/);
    const second = await fetch(new URL('/apis', server.url), { headers: { accept, 'if-none-match': etag } });
    expect([second.status, await second.text()]).toEqual([304, '']);
  });
});

describe('versions of a write', () => {
  it.each([
    ['POST', '', 'made', 201],
    ['PUT', '/put', 'put', 500],
  ])('%s with a resourceVersion that is no number', async (method, path, name, status) => {
    if (path !== '') await make(name);
    expect((await client.send(method, MAPS + path, { metadata: { name, resourceVersion: 'abc' } })).status).toBe(status);
  });

  it('has no Namespaces in Namespaces', async () => {
    expect((await client.get('/api/v1/namespaces/default/namespaces')).status).toBe(404);
  });
});
