import type { EventsV1Event, V1ObjectReference } from '@kubernetes/client-node';
import { isApiError } from './api-error.ts';
import type { Client } from './client.ts';
import { microTime, sleep } from './clock.ts';
import { events } from './resource.ts';
import type { KubeObject, Wire } from './wire.ts';

export interface EventRecorderOptions {
  /** `reportingController`: who says it, a qualified name such as `heraldlb.io/controller`. */
  component: string;
  /** `reportingInstance`: which process, a pod's name. */
  instance: string;
  /** Where events of cluster-scoped objects go; default `default`, as in Kubernetes. */
  clusterNamespace?: string | undefined;
  /** Events waiting at most; beyond it new ones are dropped and counted. Default 1,000. */
  capacity?: number | undefined;
  /** Told of an event that was given up. */
  onDrop?: ((reason: string) => void) | undefined;
}

/** What to say about an object. */
export interface EventInput {
  type: 'Normal' | 'Warning';
  /** CamelCase, for machines. */
  reason: string;
  /** For people; cut at 1,024 characters, the API's limit. */
  message: string;
  /** What was being done, CamelCase; default `reason`. */
  action?: string | undefined;
  related?: KubeObject | undefined;
  /** Say it again although it is the last thing said about the object under this reason: counted as a series. */
  repeat?: boolean | undefined;
}

type Event = Wire<EventsV1Event>;

interface Said {
  message: string;
  /** Name of the Event that said it. */
  name: string;
  count: number;
}

const maxMessage = 1024;
/** How many (object, reason) pairs are remembered. */
const maxMemory = 20_000;
const maxAttempts = 5;

/**
 * Writes events.k8s.io/v1 Events in the background. The same state is said once: an event equal to the last one about that object and
 * reason is dropped, or counted as a series with `repeat`. Recording never waits, never throws; when the API is slow, events are lost, not work.
 */
export class EventRecorder {
  readonly #client: Client;
  readonly #options: EventRecorderOptions;
  readonly #capacity: number;
  readonly #said = new Map<string, Said>();
  readonly #queue: { key: string; event: Event; attempts: number }[] = [];
  #sending: Promise<void> | undefined;
  readonly #stopped = new AbortController();
  #serial = 0;

  constructor(client: Client, options: EventRecorderOptions) {
    this.#client = client;
    this.#options = options;
    this.#capacity = options.capacity ?? 1000;
  }

  record(object: KubeObject, input: EventInput): void {
    if (this.#stopped.signal.aborted) return;
    const message = input.message.length > maxMessage ? `${input.message.slice(0, maxMessage - 1)}…` : input.message;
    const { uid, namespace, name } = object.metadata;
    const key = JSON.stringify([uid ?? `${object.kind}/${namespace ?? ''}/${name}`, input.type, input.reason]);
    const said = this.#said.get(key);
    const same = said?.message === message;
    if (same && input.repeat !== true) return;
    const now = microTime(this.#client.clock.wall());
    const repeated = same;
    const count = repeated ? said.count + 1 : 1;
    const event = this.#make(object, input, message, now);
    if (repeated) {
      event.metadata.name = said.name;
      event.series = { count, lastObservedTime: now };
    }
    this.#remember(key, { message, count, name: event.metadata.name });
    if (this.#queue.length >= this.#capacity) {
      this.#options.onDrop?.('queue full');
      return;
    }
    this.#queue.push({ key, event, attempts: 0 });
    this.#sending ??= this.#send();
  }

  /** Forgets what was said about an object, so that the same words count as new: for an object that went and came back. */
  forget(object: KubeObject): void {
    const prefix = `${JSON.stringify([object.metadata.uid ?? '']).slice(0, -1)},`;
    for (const key of this.#said.keys()) if (key.startsWith(prefix)) this.#said.delete(key);
  }

  /** Sends what waits, at most until `timeoutMs`, and refuses more. */
  async stop(timeoutMs = 2000): Promise<void> {
    const timer = this.#client.clock.after(timeoutMs, () => this.#stopped.abort());
    await this.#sending;
    timer.cancel();
    this.#stopped.abort();
  }

  #make(object: KubeObject, input: EventInput, message: string, now: string): Event {
    const { clusterNamespace = 'default', component, instance } = this.#options;
    const namespace = object.metadata.namespace ?? clusterNamespace;
    // Unique without coordination, and readable: object, time, serial number (client-go: name.hexnanoseconds).
    const suffix = `${Math.floor(this.#client.clock.wall()).toString(16)}${(this.#serial++ & 0xfff).toString(16).padStart(3, '0')}`;
    return {
      metadata: { namespace, name: `${object.metadata.name.slice(0, 230)}.${suffix}` },
      eventTime: now,
      type: input.type,
      reason: input.reason,
      action: input.action ?? input.reason,
      note: message,
      regarding: reference(object),
      ...(input.related === undefined ? {} : { related: reference(input.related) }),
      reportingController: component,
      reportingInstance: instance.slice(0, 128),
    };
  }

  #remember(key: string, said: Said): void {
    this.#said.delete(key);
    this.#said.set(key, said);
    if (this.#said.size <= maxMemory) return;
    for (const oldest of this.#said.keys()) {
      this.#said.delete(oldest);
      return;
    }
  }

  async #send(): Promise<void> {
    const { signal } = this.#stopped;
    for (let item = this.#queue.shift(); item !== undefined && !signal.aborted; item = this.#queue.shift()) {
      try {
        if (item.event.series === undefined) await this.#client.create(events, item.event, { signal });
        else await this.#count(item.event, signal);
      } catch (error) {
        item.attempts++;
        // An object or a namespace on its way out takes no events; and who may not write them shall not fill the log with it.
        if (isApiError(error, 'network', 'timeout', 'unavailable', 'server-error', 'too-many-requests') && item.attempts < maxAttempts) {
          this.#queue.unshift(item);
          await sleep(this.#client.clock, 500 * 2 ** item.attempts, signal);
        } else this.#options.onDrop?.(error instanceof Error ? error.message : String(error));
      }
    }
    this.#sending = undefined;
  }

  async #count(event: Event, signal: AbortSignal): Promise<void> {
    const { name, namespace } = event.metadata;
    try {
      await this.#client.patch(events, { name, namespace }, { series: event.series }, { type: 'merge', signal });
    } catch (error) {
      if (!isApiError(error, 'not-found')) throw error;
      await this.#client.create(events, event, { signal });
    }
  }
}

function reference(object: KubeObject): Wire<V1ObjectReference> {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    name,
    ...(object.apiVersion === undefined ? {} : { apiVersion: object.apiVersion }),
    ...(object.kind === undefined ? {} : { kind: object.kind }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}
