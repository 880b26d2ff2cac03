import { ApiError, isApiError } from './api-error.ts';
import { Backoff, type BackoffOptions } from './backoff.ts';
import { type Client, pageSize, type Selection } from './client.ts';
import { sleep } from './clock.ts';
import type { Resource } from './resource.ts';
import type { WatchEvent } from './watch-stream.ts';
import type { KubeObject } from './wire.ts';

/** Receives what the reflector sees, in order. Must not throw. */
export interface ReflectorSink<T extends KubeObject> {
  /** A complete list: whatever is not in it is gone. */
  replace(objects: T[]): void;
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
  /** A failed attempt; the reflector goes on by itself. */
  failed(error: Error): void;
  /** Data was confirmed current: after a list, an event or a bookmark. */
  fresh(): void;
}

export interface ReflectorOptions extends Selection {
  backoff?: BackoffOptions | undefined;
  /** Bounds of the random `timeoutSeconds` of a watch; default 300–600, so that watches of many clients end apart. */
  watchSeconds?: readonly [number, number] | undefined;
  /** Versions of the group to try in this order, in place of the one of the resource: the first that the server has is read. */
  versions?: readonly string[] | undefined;
  /** A resource that the server does not have is one without objects; it is looked for again so often (ms). Unset: its absence is an error. */
  absentRetryMs?: number | undefined;
  /** With bookmarks arriving (about one a minute), longer silence than this means a dead connection. Default 100 s. */
  bookmarkSilenceMs?: number | undefined;
}

/** A watch that lived so long was healthy: the next failure starts with a short wait. */
const healthyMs = 30_000;
/** A refused connection costs the server nothing, so a restarted one is found soon. */
const networkCapMs = 5_000;
/** After so many failed watches in a row the resourceVersion itself is doubted. */
const doubtAfter = 3;

/**
 * Keeps a sink in step with a resource: list, then watch from there, for ever (the contract of client-go's Reflector).
 * A 410, as HTTP status or as an ERROR event, lists again; everything else waits and watches on from the last resourceVersion.
 */
export async function reflect<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  sink: ReflectorSink<T>,
  options: ReflectorOptions,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff(client.random, options.backoff);
  const { namespace, labelSelector, fieldSelector } = options;
  const selection = { namespace, labelSelector, fieldSelector };
  let served: Resource<T> = resource;
  let listed = false;
  let version: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    const started = client.clock.now();
    const healthy = () => {
      if (client.clock.now() - started >= healthyMs) backoff.reset();
    };
    try {
      if (version === undefined) {
        const list = await listServed();
        if (list === undefined) {
          // A removed CRD takes its objects along one by one; a server that forgets it for a moment must not.
          if (!listed) sink.replace([]);
          listed = false;
          sink.fresh();
          failures = 0;
          // Not all clients at once: a CRD is looked for on every node.
          await sleep(client.clock, (options.absentRetryMs ?? 0) * (0.75 + client.random() / 2), signal);
          continue;
        }
        listed = true;
        sink.replace(list.items);
        sink.fresh();
        version = list.resourceVersion;
      }
      version = await watchFrom(version, healthy);
      failures = 0;
      // The server ended the watch in peace. One that ends at once, again and again, must not become a busy loop.
      if (client.clock.now() - started < 1000) await sleep(client.clock, backoff.next(), signal);
    } catch (thrown) {
      if (thrown instanceof Broken) version = thrown.version;
      const error = thrown instanceof Broken ? thrown.error : thrown;
      if (signal.aborted || isApiError(error, 'aborted')) return;
      healthy();
      failures++;
      sink.failed(error instanceof Error ? error : new Error(String(error)));
      const gone = isApiError(error, 'gone');
      const unreachable = isApiError(error, 'network');
      const absent = options.absentRetryMs !== undefined && isApiError(error, 'not-found');
      if (gone || absent || (failures >= doubtAfter && !unreachable)) version = undefined;
      // The first 410 is routine after a quiet time; only a repeated one waits.
      if (!gone || failures > 1) await sleep(client.clock, backoff.next(unreachable ? networkCapMs : undefined), signal);
    }
  }

  /** A complete list at the first version that the server can give; undefined where it has none and need not have one. */
  async function listServed() {
    let refused: unknown;
    for (const candidate of options.versions ?? [resource.version]) {
      try {
        const at = candidate === resource.version ? resource : { ...resource, version: candidate };
        const list = await client.listAll(at, { ...selection, limit: pageSize, signal });
        served = at;
        return list;
      } catch (error) {
        if (!isApiError(error, 'not-found') && !isUnconverted(error)) throw error;
        if (refused === undefined || isUnconverted(error)) refused = error;
      }
    }
    if (options.absentRetryMs === undefined || isUnconverted(refused)) throw refused;
    return undefined;
  }

  async function watchFrom(from: string, healthy: () => void): Promise<string> {
    const [low, high] = options.watchSeconds ?? [300, 600];
    const timeoutSeconds = Math.round(low + client.random() * (high - low));
    let last = from;
    try {
      for await (const event of guarded(timeoutSeconds, from)) {
        last = progress(last, event, served);
        if (event.type !== 'BOOKMARK') sink.apply(event.type, event.object);
        sink.fresh();
        healthy();
        failures = 0;
      }
      return last;
    } catch (error) {
      throw new Broken(error, last);
    }
  }

  async function* guarded(timeoutSeconds: number, resourceVersion: string): AsyncGenerator<WatchEvent<T>, void, void> {
    const cut = new AbortController();
    const silence = options.bookmarkSilenceMs ?? 100_000;
    let silent = false;
    let timer = { cancel: () => {} };
    const watch = client.watch(served, { ...selection, resourceVersion, timeoutSeconds, signal: AbortSignal.any([signal, cut.signal]) });
    let bookmarked = false;
    try {
      for await (const event of watch) {
        timer.cancel();
        bookmarked ||= event.type === 'BOOKMARK';
        if (bookmarked) {
          timer = client.clock.after(silence, () => {
            silent = true;
            cut.abort();
          });
        }
        yield event;
      }
    } catch (error) {
      if (silent && !signal.aborted)
        throw new ApiError('timeout', `watch ${resource.plural}: no bookmark for ${silence} ms`, { cause: error });
      throw error;
    } finally {
      timer.cancel();
    }
  }
}

/** Whether the objects are stored at another version, and the webhook that converts them does not answer. */
function isUnconverted(error: unknown): boolean {
  return error instanceof ApiError && error.message.includes('conversion webhook');
}

/** A watch that failed, with how far it had come. */
class Broken extends Error {
  readonly error: unknown;
  readonly version: string;
  constructor(error: unknown, version: string) {
    super('the watch broke');
    this.error = error;
    this.version = version;
  }
}

/**
 * The resourceVersion to go on from. One that runs backwards means another store answers (a restored backup, a restarted test server):
 * what we hold may never have existed there, so list again.
 */
function progress(last: string, event: WatchEvent, resource: Resource): string {
  const next = event.object.metadata.resourceVersion;
  if (next === undefined || next === '') return last;
  if (/^\d+$/.test(next) && /^\d+$/.test(last) && BigInt(next) < BigInt(last)) {
    throw new ApiError('gone', `watch ${resource.plural}: resourceVersion went back from ${last} to ${next}`);
  }
  return next;
}
