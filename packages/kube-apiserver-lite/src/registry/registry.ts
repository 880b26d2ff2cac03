import type { Resource } from './resource.ts';

/** A group as discovery shows it. */
export interface ServedGroup {
  name: string;
  /** Versions, the preferred one first. */
  versions: string[];
}

/** The kinds that are served at this moment: built-in ones, and those of established CRDs. */
export class Registry {
  readonly #byPath = new Map<string, Resource>();
  readonly #versions = new Map<string, Map<string, Resource>>();
  readonly #byStorage = new Map<string, Resource>();
  #generation = 0;

  /** Counts changes, so that whoever derives documents from the registry knows when to make them anew. */
  get generation(): number {
    return this.#generation;
  }

  add(resource: Resource): void {
    this.#generation++;
    this.#byPath.set(pathOf(resource.group, resource.version, resource.plural), resource);
    // The version whose form is the stored one speaks for the kind.
    if (resource.fromStorage === undefined || !this.#byStorage.has(resource.storage)) this.#byStorage.set(resource.storage, resource);
    const gv = versionKey(resource.group, resource.version);
    let kinds = this.#versions.get(gv);
    if (kinds === undefined) this.#versions.set(gv, (kinds = new Map()));
    kinds.set(resource.plural, resource);
  }

  /** Stops serving a kind under one version. */
  remove(group: string, version: string, plural: string): void {
    const removed = this.get(group, version, plural);
    if (removed === undefined) return;
    this.#byPath.delete(pathOf(group, version, plural));
    if (this.#byStorage.get(removed.storage) === removed) this.#byStorage.delete(removed.storage);
    this.#generation++;
    const gv = versionKey(group, version);
    const kinds = this.#versions.get(gv);
    kinds?.delete(plural);
    if (kinds?.size === 0) this.#versions.delete(gv);
  }

  get(group: string, version: string, plural: string): Resource | undefined {
    return this.#byPath.get(pathOf(group, version, plural));
  }

  /** Any served version of a kind of objects, e.g. for the garbage collector. */
  byKind(group: string, version: string, kind: string): Resource | undefined {
    for (const resource of this.#versions.get(versionKey(group, version))?.values() ?? []) if (resource.kind === kind) return resource;
    return undefined;
  }

  /** The kind whose objects lie under a storage key. */
  byStorage(storage: string): Resource | undefined {
    return this.#byStorage.get(storage);
  }

  serves(group: string, version: string): boolean {
    return this.#versions.has(versionKey(group, version));
  }

  /** The kinds of one version, by plural. */
  resources(group: string, version: string): Resource[] {
    return [...(this.#versions.get(versionKey(group, version))?.values() ?? [])].sort((a, b) => (a.plural < b.plural ? -1 : 1));
  }

  all(): Iterable<Resource> {
    return this.#byPath.values();
  }

  /** Named groups (not core), built-in ones in the order they were added, with their versions by Kubernetes' version order. */
  groups(): ServedGroup[] {
    const groups = new Map<string, string[]>();
    for (const key of this.#versions.keys()) {
      const [group = '', version = ''] = key.split('/', 2);
      if (group === '') continue;
      groups.set(group, [...(groups.get(group) ?? []), version]);
    }
    return [...groups].map(([name, versions]) => ({ name, versions: versions.sort(compareVersions) }));
  }
}

const pathOf = (group: string, version: string, plural: string): string => `${group}/${version}/${plural}`;
const versionKey = (group: string, version: string): string => `${group}/${version}`;

/** GA before beta before alpha, then higher numbers first (`k8s.io/apimachinery/pkg/version`). */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [rank(a), rank(b)];
  for (let i = 0; i < x.length; i++) if ((x[i] ?? 0) !== (y[i] ?? 0)) return (y[i] ?? 0) - (x[i] ?? 0);
  return a < b ? -1 : a > b ? 1 : 0;
}

function rank(version: string): number[] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return [0, 0, 0];
  const stage = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1;
  return [stage, Number(match[1]), Number(match[3] ?? 0)];
}
