/** A replaced key is still accepted for so long, for peers that have not seen the new one yet (ms). */
export const KEEP_OLD = 600_000;

/** The keys in force while one replaces another. Pure: time is passed in. */
export class KeyRotation {
  #listed: readonly Uint8Array[];
  #replaced: { readonly key: Uint8Array; readonly until: number } | undefined;

  /** @param listed the keys at the start, the newest first */
  constructor(listed: readonly Uint8Array[]) {
    this.#listed = listed;
  }

  /** The keys that are listed now. The newest one so far stays in force for a while where it is no more among them. */
  list(listed: readonly Uint8Array[], now: number): void {
    const newest = this.#listed[0];
    this.#listed = listed;
    if (newest !== undefined && !includes(listed, newest)) this.#replaced = { key: newest, until: now + KEEP_OLD };
  }

  /** The keys in force, the newest first: a list may come again with nothing changed, which ends nothing. */
  at(now: number): readonly Uint8Array[] {
    const kept = this.#replaced;
    if (kept === undefined || now >= kept.until || includes(this.#listed, kept.key)) return this.#listed;
    return [...this.#listed, kept.key];
  }

  /** When the replaced key goes; undefined: there is none. */
  get until(): number | undefined {
    return this.#replaced?.until;
  }
}

function includes(keys: readonly Uint8Array[], key: Uint8Array): boolean {
  return keys.some(each => Buffer.from(each).equals(key));
}
