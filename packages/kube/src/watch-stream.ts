import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { ApiError, errorFromStatus } from './api-error.ts';
import type { Clock } from './clock.ts';
import type { KubeObject } from './wire.ts';

/** One line of a watch. Errors sent as an `ERROR` event are thrown instead. */
export type WatchEvent<T extends KubeObject = KubeObject> = { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: T };

export interface WatchStreamOptions {
  clock: Clock;
  /** Cut the stream when nothing at all arrives for so long. */
  silenceMs: number;
  signal?: AbortSignal | undefined;
  /** Named in errors. */
  what: string;
}

/** An object is at most some MB (etcd's limit is 1.5); a line beyond this is an attack or garbage. */
const maxLine = 64 * 1024 * 1024;

/**
 * Splits a watch response into events. Ends when the server ends the stream; throws ApiError for an `ERROR` event (410 → `gone`),
 * a malformed line, a broken connection and silence. A half line at the end is dropped: the server sends it again from our resourceVersion.
 */
export async function* watchStream<T extends KubeObject>(
  message: IncomingMessage,
  options: WatchStreamOptions,
): AsyncGenerator<WatchEvent<T>, void, void> {
  const { clock, silenceMs, signal, what } = options;
  const decoder = new StringDecoder('utf8');
  let cut: ApiError | undefined;
  const fail = (error: ApiError) => {
    cut ??= error;
    message.destroy();
  };
  const guard = () => clock.after(silenceMs, () => fail(new ApiError('timeout', `${what}: silent for ${silenceMs} ms`)));
  const onAbort = () => fail(new ApiError('aborted', `${what}: aborted`));
  let timer = guard();
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  let rest = '';
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      timer.cancel();
      timer = guard();
      rest += decoder.write(chunk);
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') yield parseEvent<T>(line, what);
      if (rest.length > maxLine) throw new ApiError('malformed', `${what}: a line is longer than ${maxLine} characters`);
    }
    if (cut !== undefined) throw cut;
  } catch (error) {
    if (cut !== undefined) throw cut;
    if (error instanceof ApiError) throw error;
    throw new ApiError('network', `${what}: the stream broke: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', onAbort);
    message.destroy();
  }
}

function parseEvent<T extends KubeObject>(line: string, what: string): WatchEvent<T> {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (error) {
    throw new ApiError('malformed', `${what}: a line is not JSON`, { cause: error });
  }
  if (typeof event !== 'object' || event === null || !('type' in event) || !('object' in event)) {
    throw new ApiError('malformed', `${what}: a line is not a watch event`);
  }
  const { type, object } = event;
  if (type === 'ERROR') throw errorFromStatus(what, 500, object);
  if ((type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED' && type !== 'BOOKMARK') || !hasMetadata(object)) {
    throw new ApiError('malformed', `${what}: a watch event of type ${JSON.stringify(type)} without a usable object`);
  }
  return { type, object: object as T };
}

function hasMetadata(object: unknown): object is KubeObject {
  return (
    typeof object === 'object' && object !== null && 'metadata' in object && typeof object.metadata === 'object' && object.metadata !== null
  );
}
