import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ApiObject } from '../object.ts';
import { FileJournal } from './journal.ts';
import { Store } from './store.ts';
import type { Change } from './stored.ts';

const object = (name: string, namespace = 'default', value = ''): ApiObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, uid: `${namespace}-${name}` },
  data: { value },
});

const names = (objects: Iterable<{ name: string }> | undefined): string[] | undefined =>
  objects === undefined ? undefined : [...objects].map(({ name }) => name);

describe('Store', () => {
  it('counts one revision over all kinds and writes it into the object', () => {
    const store = new Store({ historySize: 10 });
    const first = store.put('configmaps', object('a'));
    const second = store.put('secrets', object('b'));
    expect(second.revision).toBe(first.revision + 1);
    expect(second.object.metadata.resourceVersion).toBe(String(second.revision));
    expect(store.revision).toBe(second.revision);
  });

  it('lists in the order of namespace and name, of one namespace or of all', () => {
    const store = new Store({ historySize: 10 });
    for (const [name, namespace] of [
      ['b', 'z'],
      ['c', 'a'],
      ['a', 'z'],
    ] as const)
      store.put('configmaps', object(name, namespace));
    expect(names(store.table('configmaps').list())).toEqual(['c', 'a', 'b']);
    expect(names(store.table('configmaps').list('z'))).toEqual(['a', 'b']);
    expect(names(store.table('configmaps').list('none'))).toEqual([]);
  });

  it('tells of changes with what was before; a deletion carries its own revision', () => {
    const store = new Store({ historySize: 10 });
    const changes: Change[] = [];
    const stop = store.table('configmaps').listen(change => changes.push(change));
    store.put('configmaps', object('a', 'default', '1'));
    const last = store.put('configmaps', object('a', 'default', '2'));
    store.remove('configmaps', last);
    stop();
    store.put('configmaps', object('b'));
    expect(changes.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    expect(changes[1]?.previous?.object['data']).toEqual({ value: '1' });
    expect(changes[2]?.current.object.metadata.resourceVersion).toBe(String(last.revision + 1));
  });

  it('shows the objects of an earlier revision as long as history reaches', () => {
    const store = new Store({ historySize: 3 });
    const table = store.table('configmaps');
    const a = store.put('configmaps', object('a'));
    const { revision } = store.put('configmaps', object('b', 'default', 'old'));
    store.put('configmaps', object('b', 'default', 'new'));
    store.remove('configmaps', a);
    expect(names(table.listAt(revision))).toEqual(['a', 'b']);
    expect(table.listAt(revision)?.[1]?.object['data']).toEqual({ value: 'old' });
    store.put('configmaps', object('c'));
    store.put('configmaps', object('d'));
    expect(table.listAt(revision)).toBeUndefined();
  });

  it.each([
    ['everything since a revision', 4, 0, ['a', 'b', 'c']],
    ['what the ring still has', 2, 1, ['b', 'c']],
    ['nothing known of before the ring', 2, 0, undefined],
  ])('remembers %s', (_what, historySize, after, expected) => {
    const store = new Store({ historySize });
    const table = store.table('configmaps');
    const start = store.revision;
    for (const name of ['a', 'b', 'c']) store.put('configmaps', object(name));
    expect(table.history.since(start + after)?.map(({ current }) => current.name)).toEqual(expected);
  });

  it('makes the JSON of an object once', () => {
    const store = new Store({ historySize: 1 });
    const stored = store.put('configmaps', object('a'));
    expect(stored.body).toBe(stored.body);
    expect(JSON.parse(stored.as('v1', 'ConfigMap'))).toEqual(stored.object);
  });
});

describe('FileJournal', () => {
  const folder = mkdtempSync(join(tmpdir(), 'journal-'));
  const path = join(folder, 'data');
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps objects, deletions, the revision and values over restarts, and drops a torn last line', () => {
    const journal = new FileJournal(path, { tokenKey: 'first' });
    const store = new Store({ historySize: 10, journal });
    const gone = store.put('configmaps', object('gone'));
    store.put('configmaps', object('kept', 'default', '1'));
    store.put('configmaps', object('kept', 'default', '2'));
    store.remove('configmaps', gone);
    store.close();
    writeFileSync(path, `${readFileSync(path, 'utf8')}{"r":99,"k":"config`);
    const again = new FileJournal(path, { tokenKey: 'second' });
    expect(again.recovered.entries.map(({ object: { metadata, data } }) => [metadata.name, data])).toEqual([['kept', { value: '2' }]]);
    expect(again.recovered.revision).toBe(store.revision);
    expect(again.recovered.values).toEqual({ tokenKey: 'first' });
    const restarted = new Store({ historySize: 10, journal: again });
    restarted.load(again.recovered.entries, again.recovered.revision);
    expect(restarted.put('configmaps', object('next')).revision).toBe(store.revision + 1);
    restarted.close();
  });
});
