/** One answered request, as tests ask about it. */
export interface AuditEntry {
  /** Milliseconds since the epoch. */
  time: number;
  user: string;
  agent: string;
  verb: string;
  /** False for discovery, health and other documents. */
  isResource: boolean;
  path: string;
  group: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  /** HTTP status. */
  status: number;
  durationMs: number;
  dryRun: boolean;
}

/** Which entries are meant; what is absent does not narrow. */
export interface AuditQuery {
  user?: string;
  agent?: string;
  verb?: string | readonly string[];
  resource?: string;
  subresource?: string;
  namespace?: string;
  name?: string;
  /** Only entries at or after this time, in milliseconds since the epoch. */
  since?: number;
  status?: number;
}

/** The verbs that change something. */
export const WRITE_VERBS = ['create', 'update', 'patch', 'delete', 'deletecollection'] as const;

/** The last requests, for questions such as "how many writes did this cost?". */
export class AuditLog {
  readonly #entries: AuditEntry[] = [];
  readonly #capacity: number;
  #total = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** All requests so far, including those no longer kept. */
  get total(): number {
    return this.#total;
  }

  record(entry: AuditEntry): void {
    this.#total++;
    this.#entries.push(entry);
    // Dropping half at once keeps the cost of a request constant.
    if (this.#entries.length > this.#capacity) this.#entries.splice(0, this.#entries.length >> 1);
  }

  entries(query: AuditQuery = {}): AuditEntry[] {
    return this.#entries.filter(entry => matches(entry, query));
  }

  count(query: AuditQuery = {}): number {
    return this.entries(query).length;
  }

  /** Requests that changed something, or tried to. */
  writes(query: Omit<AuditQuery, 'verb'> = {}): AuditEntry[] {
    return this.entries({ ...query, verb: WRITE_VERBS }).filter(entry => !entry.dryRun && entry.isResource);
  }

  clear(): void {
    this.#entries.length = 0;
  }
}

function matches(entry: AuditEntry, query: AuditQuery): boolean {
  if (query.since !== undefined && entry.time < query.since) return false;
  if (query.verb !== undefined && !(typeof query.verb === 'string' ? [query.verb] : query.verb).includes(entry.verb)) return false;
  for (const field of ['user', 'agent', 'resource', 'subresource', 'namespace', 'name', 'status'] as const) {
    if (query[field] !== undefined && entry[field] !== query[field]) return false;
  }
  return true;
}
