import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import type { ApiObject } from '../object.ts';
import type { Journal } from './store.ts';
import type { Change } from './stored.ts';

/** What a data file held. */
export interface Recovered {
  revision: number;
  entries: { resource: string; object: ApiObject }[];
  /** Small values that belong to the cluster but are no objects: the token key. */
  values: Readonly<Record<string, string>>;
}

interface Line {
  /** Revision. */
  r: number;
  /** Storage key. */
  k?: string;
  /** The object; absent for a deletion. */
  o?: ApiObject;
  /** `namespace/name` of a deleted object. */
  d?: string;
  /** Values. */
  v?: Record<string, string>;
}

/** Keeps the state in a file: one JSON line per write, made compact whenever it is opened. A torn last line is dropped. */
export class FileJournal implements Journal {
  readonly recovered: Recovered;
  readonly #descriptor: number;
  #closed = false;

  /** `values`: what to keep besides objects, unless the file has it already. */
  constructor(path: string, values: Readonly<Record<string, string>> = {}) {
    const found = existsSync(path) ? read(path) : { revision: 0, entries: [], values: {} };
    this.recovered = { ...found, values: { ...values, ...found.values } };
    const next = `${path}.new`;
    const descriptor = openSync(next, 'w', 0o600);
    writeLine(descriptor, { r: this.recovered.revision, v: { ...this.recovered.values } });
    for (const { resource, object } of this.recovered.entries) {
      writeLine(descriptor, { r: Number(object.metadata.resourceVersion), k: resource, o: object });
    }
    fsyncSync(descriptor);
    renameSync(next, path);
    this.#descriptor = descriptor;
  }

  append({ type, revision, resource, current }: Change): void {
    if (this.#closed) return;
    if (type === 'DELETED') writeLine(this.#descriptor, { r: revision, k: resource, d: `${current.namespace}/${current.name}` });
    else writeLine(this.#descriptor, { r: revision, k: resource, o: current.object });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    fsyncSync(this.#descriptor);
    closeSync(this.#descriptor);
  }
}

const writeLine = (descriptor: number, line: Line): void => {
  writeSync(descriptor, `${JSON.stringify(line)}\n`);
};

function read(path: string): Recovered {
  const lines = readFileSync(path, 'utf8').split('\n');
  const objects = new Map<string, { resource: string; object: ApiObject }>();
  let values: Record<string, string> = {};
  let revision = 0;
  for (const [i, text] of lines.entries()) {
    if (text === '') continue;
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch (error) {
      // The process ended while it wrote the last line.
      if (i >= lines.length - 2) break;
      throw new Error(`${path} line ${i + 1} is no JSON: remove the file, or restore it from a copy`, { cause: error });
    }
    revision = Math.max(revision, line.r);
    if (line.v !== undefined) values = line.v;
    if (line.k === undefined) continue;
    if (line.o !== undefined)
      objects.set(`${line.k} ${line.o.metadata.namespace ?? ''}/${line.o.metadata.name}`, { resource: line.k, object: line.o });
    else objects.delete(`${line.k} ${line.d ?? ''}`);
  }
  return { revision, entries: [...objects.values()], values };
}
