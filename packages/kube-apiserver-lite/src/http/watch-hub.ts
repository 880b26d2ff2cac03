import type { Change } from '../storage/stored.ts';
import type { Table } from '../storage/table.ts';
import type { WatchStream } from './watch.ts';

/** All open watches. Between a change and its watchers lies {@link WatchHub.delay}, where tests hold back a kind's events. */
export class WatchHub {
  readonly #streams = new Map<string, Set<WatchStream>>();
  readonly #listening = new Map<string, () => void>();
  readonly #held = new Map<NodeJS.Timeout, { key: string; change: Change }>();
  /** Milliseconds that changes of a kind (its storage key) are held back. */
  delay: (resource: string) => number = () => 0;

  attach(stream: WatchStream, table: Table): void {
    const key = table.resource;
    let streams = this.#streams.get(key);
    if (streams === undefined) this.#streams.set(key, (streams = new Set()));
    streams.add(stream);
    stream.onClose = () => streams.delete(stream);
    if (!this.#listening.has(key))
      this.#listening.set(
        key,
        table.listen(change => this.#publish(key, change)),
      );
  }

  /** The open watches, of one kind or of all. */
  *streams(resource?: string): Generator<WatchStream> {
    for (const [key, streams] of this.#streams) if (resource === undefined || key === resource) yield* streams;
  }

  /** The version up to which a kind's changes have been delivered; undefined when none are held back. */
  settled(resource: string): number | undefined {
    for (const { key, change } of this.#held.values()) if (key === resource) return change.revision - 1;
    return undefined;
  }

  close(): void {
    for (const timer of this.#held.keys()) clearTimeout(timer);
    this.#held.clear();
    for (const stop of this.#listening.values()) stop();
    this.#listening.clear();
    for (const stream of this.streams()) stream.drop();
    this.#streams.clear();
  }

  #publish(key: string, change: Change): void {
    const milliseconds = this.delay(key);
    if (milliseconds <= 0) {
      this.#deliver(key, change);
      return;
    }
    const timer = setTimeout(() => {
      this.#held.delete(timer);
      this.#deliver(key, change);
    }, milliseconds);
    this.#held.set(timer, { key, change });
  }

  #deliver(key: string, change: Change): void {
    for (const stream of this.#streams.get(key) ?? []) stream.deliver(change);
  }
}
