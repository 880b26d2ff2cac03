/** Which Services' statuses may show which addresses, as far as our own writes go: those under way, and those the cache has not shown yet. */
export class StatusClaims {
  readonly #byKey = new Map<string, readonly string[]>();
  readonly #byAddress = new Map<string, Set<string>>();

  holders(address: string): Iterable<string> {
    return this.#byAddress.get(address) ?? [];
  }

  /** A write of these addresses begins: until it is known to have come through, the old ones may still be shown, too. */
  add(key: string, addresses: readonly string[]): void {
    this.set(key, [...new Set([...(this.#byKey.get(key) ?? []), ...addresses])]);
  }

  /** The status of the Service shows exactly these. */
  set(key: string, addresses: readonly string[]): void {
    for (const address of this.#byKey.get(key) ?? []) {
      const keys = this.#byAddress.get(address);
      keys?.delete(key);
      if (keys?.size === 0) this.#byAddress.delete(address);
    }
    if (addresses.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, addresses);
    for (const address of addresses) {
      const keys = this.#byAddress.get(address);
      if (keys === undefined) this.#byAddress.set(address, new Set([key]));
      else keys.add(key);
    }
  }
}
