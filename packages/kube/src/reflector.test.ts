import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type Client, connectTo } from './client.ts';
import { Informer, type InformerEvent, type InformerOptions } from './informer.ts';
import { resource } from './resource.ts';
import { failure, ScriptedServer, sendJson, until } from './testing.ts';
import type { KubeObject } from './wire.ts';

interface Thing extends KubeObject {
  spec?: { colour: string };
}

const things = resource<Thing>({ group: 'example.org', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true });

function thing(name: string, version: number, colour = 'red'): Thing {
  return {
    apiVersion: 'example.org/v1',
    kind: 'Thing',
    metadata: { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion: String(version), managedFields: [{ manager: 'x' }] },
    spec: { colour },
  };
}

function listOf(version: number, items: Thing[], more?: string) {
  return {
    kind: 'ThingList',
    apiVersion: 'example.org/v1',
    metadata: { resourceVersion: String(version), ...(more ? { continue: more } : {}) },
    items,
  };
}

const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;
const bookmark = (version: number) =>
  line('BOOKMARK', { kind: 'Thing', apiVersion: 'example.org/v1', metadata: { resourceVersion: String(version) } });

/** A server whose lists and watches are answered in turn by a script; the last entry serves for ever. */
class World {
  lists: ((response: ServerResponse) => void)[] = [];
  watches: ((response: ServerResponse) => void)[] = [];
  readonly server = new ScriptedServer((request, response) => {
    const queue = request.query.get('watch') === 'true' ? this.watches : this.lists;
    const next = queue.length > 1 ? queue.shift() : queue[0];
    if (next === undefined) response.destroy();
    else next(response);
  });
  readonly errors: Error[] = [];
  readonly events: string[] = [];
  client!: Client;
  informer!: Informer<Thing>;

  async start(options: InformerOptions<Thing> = {}): Promise<void> {
    await this.server.listen();
    this.client = connectTo(this.server.url, { qps: 0 });
    this.informer = new Informer(this.client, things, {
      backoff: { baseMs: 5, maxMs: 20 },
      onError: error => this.errors.push(error),
      ...options,
    });
    this.informer.on(event => this.events.push(describeEvent(event)));
    this.informer.start();
  }

  get watchesFrom(): (string | null)[] {
    return this.server.seen.filter(request => request.query.get('watch') === 'true').map(request => request.query.get('resourceVersion'));
  }

  get listCount(): number {
    return this.server.seen.filter(request => request.query.get('watch') === null).length;
  }

  async end(): Promise<void> {
    await this.informer.stop();
    this.client.close();
    await this.server.kill();
  }
}

function describeEvent(event: InformerEvent<Thing>): string {
  if (event.type === 'synced') return 'synced';
  const { name, resourceVersion } = event.object.metadata;
  return `${event.type} ${name}@${resourceVersion}${event.type === 'updated' ? ` was @${event.old.metadata.resourceVersion}` : ''}`;
}

const internalError = (response: ServerResponse) => sendJson(response, 500, failure(500, 'InternalError'));
const send = (body: unknown) => (response: ServerResponse) => sendJson(response, 200, body);
const stream =
  (...chunks: string[]) =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const chunk of chunks) response.write(chunk);
  };
const streamAndEnd =
  (...chunks: string[]) =>
  (response: ServerResponse) => {
    stream(...chunks)(response);
    response.end();
  };
const streamAndCut =
  (...chunks: string[]) =>
  (response: ServerResponse) => {
    stream(...chunks)(response);
    setTimeout(() => response.destroy(), 20);
  };

let world = new World();
afterEach(async () => {
  await world.end();
  world = new World();
});

const absent = (response: ServerResponse) => sendJson(response, 404, failure(404, 'NotFound'));
const unconverted = (response: ServerResponse) =>
  sendJson(response, 500, failure(500, 'InternalError', 'conversion webhook for example.org/v1, Kind=Thing failed: Post "https://x": EOF'));
const paths = () => world.server.seen.map(request => request.path.split('/').slice(0, 4).join('/'));

describe('Informer', () => {
  it('lists in pages, delivers, and watches from the list with bookmarks', async () => {
    world.lists = [send(listOf(10, [thing('a', 3)], 'page-2')), send(listOf(10, [thing('b', 4)]))];
    world.watches = [stream(line('ADDED', thing('c', 11)), line('MODIFIED', thing('a', 12, 'blue')), line('DELETED', thing('b', 13)))];
    await world.start();
    await until(() => world.events.length === 6, 'six events');
    expect(world.events).toEqual(['added a@3', 'added b@4', 'synced', 'added c@11', 'updated a@12 was @3', 'deleted b@13']);
    const [first, second, watch] = world.server.seen;
    expect(first?.query.get('limit')).toBe('500');
    expect(second?.query.get('continue')).toBe('page-2');
    expect(watch?.query.get('resourceVersion')).toBe('10');
    expect(watch?.query.get('allowWatchBookmarks')).toBe('true');
    expect(Number(watch?.query.get('timeoutSeconds'))).toBeGreaterThanOrEqual(300);
    expect(Number(watch?.query.get('timeoutSeconds'))).toBeLessThanOrEqual(600);
    expect(world.informer.hasSynced).toBe(true);
    expect(world.informer.lastError).toBeUndefined();
    expect(world.informer.get('ns/a')?.spec?.colour).toBe('blue');
    expect(world.informer.get('ns/a')?.metadata.managedFields).toBeUndefined();
  });

  it('reuses its connections for list after list', async () => {
    world.lists = [send(listOf(10, []))];
    world.watches = [stream()];
    await world.start();
    for (let i = 0; i < 20; i++) await world.client.listAll(things);
    expect(world.server.connectionsOpened).toBeLessThanOrEqual(3);
  });

  it.each([
    ['an HTTP 410', (response: ServerResponse) => sendJson(response, 410, failure(410, 'Expired'))],
    ['an ERROR event with 410', streamAndEnd(line('ERROR', failure(410, 'Expired', 'too old resource version')))],
    ['a resourceVersion that went back', stream(line('ADDED', thing('z', 2)))],
  ])('lists again after %s and tells what is gone', async (_, expired) => {
    world.lists = [send(listOf(10, [thing('a', 3), thing('b', 4)])), send(listOf(20, [thing('b', 15, 'blue'), thing('c', 16)]))];
    world.watches = [expired, stream()];
    await world.start();
    await until(() => world.watchesFrom.length === 2, 'the second watch');
    expect(world.events).toEqual(['added a@3', 'added b@4', 'synced', 'deleted a@3', 'updated b@15 was @4', 'added c@16']);
    expect(world.watchesFrom).toEqual(['10', '20']);
    expect(world.listCount).toBe(2);
  });

  it.each([
    ['ends in peace', streamAndEnd],
    ['is cut', streamAndCut],
  ])('goes on from the last resourceVersion when the stream %s', async (_, ending) => {
    world.lists = [send(listOf(10, []))];
    world.watches = [ending(line('ADDED', thing('a', 11)), bookmark(17)), stream(line('ADDED', thing('b', 18)))];
    await world.start();
    await until(() => world.events.includes('added b@18'), 'b');
    expect(world.watchesFrom).toEqual(['10', '17']);
    expect(world.listCount).toBe(1);
  });

  it.each([
    ['half a line at the end', streamAndEnd(line('ADDED', thing('a', 11)), line('ADDED', thing('b', 12)).slice(0, 40))],
    ['half a line and a cut', streamAndCut(line('ADDED', thing('a', 11)), line('ADDED', thing('b', 12)).slice(0, 40))],
    ['a line that is not JSON', stream(line('ADDED', thing('a', 11)), 'garbage\n')],
    ['an event without an object', stream(line('ADDED', thing('a', 11)), '{"type":"ADDED"}\n')],
  ])('loses nothing after %s', async (_, broken) => {
    world.lists = [send(listOf(10, []))];
    world.watches = [broken, stream(line('ADDED', thing('b', 12)))];
    await world.start();
    await until(() => world.events.includes('added b@12'), 'b');
    expect(world.events).toEqual(['synced', 'added a@11', 'added b@12']);
    expect(world.watchesFrom).toEqual(['10', '11']);
  });

  it('puts lines together that arrive in pieces, through the middle of a character', async () => {
    const bytes = Buffer.from(line('ADDED', thing('a', 11, 'grün')));
    const middle = bytes.indexOf(Buffer.from('ü')) + 1;
    world.lists = [send(listOf(10, []))];
    world.watches = [
      response => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write(bytes.subarray(0, middle));
        setTimeout(() => response.write(bytes.subarray(middle)), 20);
      },
    ];
    await world.start();
    await until(() => world.informer.size === 1, 'a');
    expect(world.informer.get('ns/a')?.spec?.colour).toBe('grün');
  });

  it('waits as long as a 429 says, then goes on', async () => {
    world.lists = [
      response => sendJson(response, 429, failure(429, 'TooManyRequests'), { 'retry-after': '0' }),
      send(listOf(10, [thing('a', 3)])),
    ];
    world.watches = [stream()];
    await world.start();
    await until(() => world.informer.hasSynced, 'sync');
    expect(world.listCount).toBe(2);
    expect(world.errors).toEqual([]);
  });

  it('survives a server that is killed and comes back', async () => {
    world.lists = [send(listOf(10, [thing('a', 3)]))];
    world.watches = [stream()];
    await world.start();
    await until(() => world.watchesFrom.length === 1, 'the watch');
    await world.server.kill();
    await until(() => world.errors.length >= 3, 'failures');
    expect(world.informer.lastError).toMatchObject({ code: 'network' });
    expect(world.informer.get('ns/a')).toBeDefined();
    world.watches = [stream(line('ADDED', thing('b', 11)))];
    await world.server.listen();
    await until(() => world.informer.size === 2, 'b');
    expect(world.watchesFrom.at(-1)).toBe('10');
    expect(world.informer.lastError).toBeUndefined();
  });

  it('lists again when watching fails over and over for another reason', async () => {
    world.lists = [send(listOf(10, [thing('a', 3)])), send(listOf(20, []))];
    world.watches = [internalError, internalError, internalError, stream()];
    await world.start();
    await until(() => world.watchesFrom.length === 4, 'the fourth watch');
    expect(world.watchesFrom).toEqual(['10', '10', '10', '20']);
    expect(world.events).toEqual(['added a@3', 'synced', 'deleted a@3']);
  });

  it('cuts a watch that fell silent after bookmarks, and goes on', async () => {
    world.lists = [send(listOf(10, []))];
    world.watches = [stream(bookmark(12)), stream(line('ADDED', thing('a', 13)))];
    await world.start({ bookmarkSilenceMs: 50 });
    await until(() => world.informer.size === 1, 'a');
    expect(world.errors.map(error => error.message)).toEqual([expect.stringContaining('no bookmark for 50 ms')]);
    expect(world.watchesFrom.slice(0, 2)).toEqual(['10', '12']);
  });

  it('gives up on a server that never answers a list, and tries again', async () => {
    world.lists = [() => {}, send(listOf(10, [thing('a', 3)]))];
    world.watches = [stream()];
    await world.server.listen();
    world.client = connectTo(world.server.url, { qps: 0, timeoutMs: 50 });
    world.informer = new Informer(world.client, things, { backoff: { baseMs: 5, maxMs: 20 }, onError: error => world.errors.push(error) });
    world.informer.start();
    expect(await world.informer.synced()).toBe(true);
    expect(world.errors).toMatchObject([{ code: 'timeout' }]);
  });

  it('does not spin on watches that end at once', async () => {
    world.lists = [send(listOf(10, []))];
    world.watches = [streamAndEnd()];
    await world.server.listen();
    world.client = connectTo(world.server.url, { qps: 0 });
    world.informer = new Informer(world.client, things, { backoff: { baseMs: 10_000 } });
    world.informer.start();
    await until(() => world.watchesFrom.length === 1, 'the first watch');
    await new Promise(resolve => setTimeout(resolve, 100));
    expect(world.watchesFrom.length).toBe(1);
  });

  it('contains what handlers throw, and says deleted and added for another incarnation', async () => {
    world.lists = [send(listOf(10, [thing('a', 3)]))];
    const reborn = thing('a', 12);
    reborn.metadata.uid = 'another';
    world.watches = [stream(line('MODIFIED', reborn))];
    await world.server.listen();
    world.client = connectTo(world.server.url, { qps: 0 });
    world.informer = new Informer(world.client, things, { onError: error => world.errors.push(error) });
    world.informer.on(() => {
      throw new Error('broken handler');
    });
    world.informer.on(event => world.events.push(describeEvent(event)));
    world.informer.start();
    await until(() => world.events.length === 4, 'events');
    expect(world.events).toEqual(['added a@3', 'synced', 'deleted a@3', 'added a@12']);
    expect(world.errors.length).toBe(4);
  });

  it('keeps indexes in step and reminds on resync', async () => {
    world.lists = [send(listOf(10, [thing('a', 3, 'red'), thing('b', 4, 'blue')]))];
    world.watches = [stream(line('MODIFIED', thing('a', 11, 'blue')), line('DELETED', thing('b', 12, 'blue')))];
    await world.server.listen();
    world.client = connectTo(world.server.url, { qps: 0 });
    world.informer = new Informer(world.client, things, { indexers: { colour: object => [object.spec?.colour ?? ''] }, resyncMs: 20 });
    let reminders = 0;
    world.informer.on(event => {
      if (event.type === 'updated' && event.resync === true) reminders++;
    });
    world.informer.start();
    await until(() => world.informer.size === 1, 'b gone');
    expect(world.informer.byIndex('colour', 'red')).toEqual([]);
    expect(world.informer.byIndex('colour', 'blue').map(object => object.metadata.name)).toEqual(['a']);
    expect(() => world.informer.byIndex('shape', 'round')).toThrow('no index "shape": there are colour');
    await until(() => reminders >= 2, 'reminders');
  });

  it('stops within a watch and within a wait', async () => {
    world.lists = [send(listOf(10, []))];
    world.watches = [stream()];
    await world.start();
    await until(() => world.watchesFrom.length === 1, 'the watch');
    await world.informer.stop();
    await world.server.kill();
    const other = new Informer(world.client, things, { backoff: { baseMs: 60_000 } });
    other.start();
    await until(() => other.lastError !== undefined, 'a failure');
    await other.stop();
    expect(await other.synced()).toBe(false);
  });

  describe('a resource that the server need not have', () => {
    const optional = { versions: ['v2', 'v1'], absentRetryMs: 20 };

    it('counts as empty while it is absent, and is read once it appears, at the first version served', async () => {
      world.lists = [absent, absent, absent, send(listOf(10, [thing('a', 3)]))];
      world.watches = [stream(line('ADDED', thing('b', 11)))];
      await world.start(optional);
      await until(() => world.events.length === 3, 'three events');
      expect(world.events).toEqual(['synced', 'added a@3', 'added b@11']);
      expect(paths()).toEqual(['v2', 'v1', 'v2', 'v1', 'v1'].map((version, index) => `/apis/example.org/${index === 3 ? 'v1' : version}`));
      expect(world.errors).toEqual([]);
    });

    it('is read at another version when nothing converts it', async () => {
      world.lists = [unconverted, send(listOf(10, [thing('a', 3)]))];
      world.watches = [stream()];
      await world.start(optional);
      await until(() => world.informer.hasSynced, 'the list');
      await until(() => world.watchesFrom.length === 1, 'the watch');
      expect(paths()).toEqual(['/apis/example.org/v2', '/apis/example.org/v1', '/apis/example.org/v1']);
    });

    it('is not taken for empty when nothing converts it and no other version is there', async () => {
      world.lists = [unconverted, absent, unconverted, absent, send(listOf(10, [thing('a', 3)]))];
      world.watches = [stream()];
      await world.start(optional);
      await until(() => world.informer.hasSynced, 'the list');
      expect(world.events).toEqual(['added a@3', 'synced']);
      expect(world.errors[0]?.message).toContain('conversion webhook');
    });

    it('keeps its objects when it is absent once, and loses them when it is absent twice', async () => {
      world.lists = [send(listOf(10, [thing('a', 3)])), absent, send(listOf(20, [thing('a', 3), thing('b', 15)])), absent];
      world.watches = [absent, absent, stream()];
      await world.start({ absentRetryMs: 20 });
      await until(() => world.events.length === 5, 'five events');
      expect(world.events).toEqual(['added a@3', 'synced', 'added b@15', 'deleted a@3', 'deleted b@15']);
    });
  });
});
