import { type Cluster, view } from '../cluster.ts';
import { ApiStatusError, expired } from '../errors.ts';
import { apiVersionOf, type Resource } from '../registry/resource.ts';
import { type Change, Stored } from '../storage/stored.ts';
import type { Exchange } from './exchange.ts';
import type { Shape } from './negotiate.ts';
import { listOptions } from './options.ts';
import { objectText } from './read.ts';
import { tooOld, watchRevision } from './revision.ts';
import { type Selection, selection } from './select.ts';
import type { WatchHub } from './watch-hub.ts';

/** Bookmarks go out about this often, and once before the server ends a watch. */
const BOOKMARK_MS = 60_000;
/** The server ends a watch after 30 to 60 minutes when the client names no time. */
const MIN_TIMEOUT_S = 1800;
/** A client this far behind is cut off; it starts again from its last version. */
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** GET with `watch=true`: answers until its time is over, the client leaves, or a fault ends it. */
export function watch(cluster: Cluster, exchange: Exchange, resource: Resource, hub: WatchHub): void {
  const shape = exchange.shape();
  const options = listOptions(exchange.query, true);
  const selected = selection(resource, options.labelSelector, options.fieldSelector, exchange.info.name);
  const from = watchRevision(options.resourceVersion);
  const namespace = resource.namespaced && exchange.info.namespace !== '' ? exchange.info.namespace : undefined;
  const table = cluster.store.table(resource.storage);
  const initial = options.sendInitialEvents ?? (from === undefined || from === 0);
  const missed = initial ? [] : table.history.since(from ?? 0);
  const random = cluster.environment.random(MIN_TIMEOUT_S);
  const stream = new WatchStream({
    cluster,
    exchange,
    resource,
    shape,
    selected,
    namespace,
    bookmarks: options.allowWatchBookmarks,
    settled: () => hub.settled(resource.storage) ?? cluster.store.revision,
    timeoutMs: (options.timeoutSeconds ?? MIN_TIMEOUT_S + random) * 1000,
  });
  if (missed === undefined) {
    stream.fail(tooOld(from ?? 0, table.history.horizon));
    return;
  }
  if (initial) {
    for (const stored of table.list(namespace)) stream.offer('ADDED', stored);
    if (options.sendInitialEvents === true && options.allowWatchBookmarks) stream.bookmark(true);
  } else {
    stream.skipUntil(from ?? 0);
    for (const change of missed) stream.deliver(change);
  }
  hub.attach(stream, table);
}

interface StreamOptions {
  cluster: Cluster;
  exchange: Exchange;
  resource: Resource;
  shape: Shape;
  selected: Selection;
  namespace: string | undefined;
  bookmarks: boolean;
  timeoutMs: number;
  /** Up to which version every change has been delivered. */
  settled: () => number;
}

/** One watch on the wire. Events are gathered and written once per turn of the event loop. */
export class WatchStream {
  readonly resource: Resource;
  readonly #options: StreamOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  #pending: string[] = [];
  #scheduled = false;
  #closed = false;
  #first = true;
  #revision: number;
  /** Called once when the stream has ended, whatever the reason. */
  onClose: () => void = () => {};

  constructor(options: StreamOptions) {
    this.resource = options.resource;
    this.#options = options;
    this.#revision = options.cluster.store.revision;
    const { exchange } = options;
    const type = options.shape.format === 'yaml' ? 'application/yaml' : 'application/json';
    exchange.writeHead(200, { 'Content-Type': type, 'Transfer-Encoding': 'chunked' });
    exchange.response.flushHeaders();
    exchange.response.once('close', () => this.#close());
    this.#timers.push(setTimeout(() => this.end(), options.timeoutMs));
    if (options.bookmarks) this.#timers.push(setInterval(() => this.bookmark(false), BOOKMARK_MS));
  }

  /** Changes up to this version are known to the client. */
  skipUntil(revision: number): void {
    this.#revision = revision;
  }

  /** Sends a change as this watch's selectors see it: an object that leaves them is DELETED, one that enters is ADDED. */
  deliver(change: Change): void {
    if (this.#closed || change.revision <= this.#revision) return;
    this.#revision = change.revision;
    const { namespace } = this.#options;
    if (namespace !== undefined && change.current.namespace !== namespace) return;
    const is = change.type !== 'DELETED' && this.#matches(change.current);
    const was = change.previous !== undefined && this.#matches(change.previous);
    if (is) this.#queue(was ? 'MODIFIED' : 'ADDED', this.#text(change.current));
    else if (was) this.#queue('DELETED', this.#text(change.type === 'DELETED' ? change.current : lastSeen(change)));
  }

  /** Sends an object if it is selected. */
  offer(type: EventType, stored: Stored): void {
    if (this.#matches(stored)) this.#queue(type, this.#text(stored));
  }

  /** Tells up to which version everything has been sent. `initialEnd`: the initial events are complete. */
  bookmark(initialEnd: boolean): void {
    const settled = Math.max(this.#revision, this.#options.settled());
    if (initialEnd) this.#revision = settled;
    const metadata = {
      resourceVersion: String(settled),
      ...(initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    };
    this.#queue('BOOKMARK', this.#bookmarkText(metadata));
  }

  /** Ends the watch with an ERROR event. */
  fail(error: ApiStatusError): void {
    this.#queue('ERROR', JSON.stringify(error.toStatus()));
    this.end();
  }

  /** Ends the watch as a server does whose time for it is over. */
  end(): void {
    if (this.#closed) return;
    if (this.#options.bookmarks) this.bookmark(false);
    this.#flush();
    this.#options.exchange.response.end();
    this.#close();
  }

  /** Cuts the connection without a word. */
  drop(): void {
    this.#options.exchange.response.destroy();
    this.#close();
  }

  #matches(stored: Stored): boolean {
    const { selected, resource } = this.#options;
    return selected.all || selected.matches(view(resource, stored));
  }

  #text(stored: Stored): string {
    const { cluster, resource, shape, exchange } = this.#options;
    const text = objectText(cluster, resource, stored, shape, exchange.query.get('includeObject') ?? '', this.#first);
    if (shape.as === 'Table') this.#first = false;
    return text;
  }

  #bookmarkText(metadata: object): string {
    const { resource, shape } = this.#options;
    if (shape.as === 'PartialObjectMetadata') return JSON.stringify({ kind: shape.as, apiVersion: 'meta.k8s.io/v1', metadata });
    const object = { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata };
    if (shape.as !== 'Table') return JSON.stringify(object);
    return JSON.stringify({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: {},
      columnDefinitions: null,
      rows: [{ cells: null, object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata } }],
    });
  }

  #queue(type: EventType, object: string): void {
    if (this.#closed) return;
    this.#pending.push(`{"type":"${type}","object":${object}}\n`);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    const { response } = this.#options.exchange;
    if (this.#pending.length === 0 || this.#closed || response.destroyed) return;
    const text = this.#pending.length === 1 ? (this.#pending[0] ?? '') : this.#pending.join('');
    this.#pending = [];
    response.write(text);
    if (response.writableLength > MAX_BACKLOG_BYTES) this.drop();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.onClose();
  }
}

/** An object that left the selection is shown as it was, at the version it left. */
function lastSeen({ previous, current }: Change): Stored {
  const { object } = previous ?? current;
  return new Stored({ ...object, metadata: { ...object.metadata, resourceVersion: String(current.revision) } }, current.revision);
}

/** What a watch is told when its history is taken away. */
export const watchExpired = (): ApiStatusError => expired('The resourceVersion for the provided watch is too old.');
