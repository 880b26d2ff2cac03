/** The modules of a codec, by the number on the wire that each is for. `M` is what they have in common once the number has chosen one. */
export function modulesBy<M>(number: (module: M) => number, modules: readonly unknown[]): ReadonlyMap<number, M> {
  return new Map((modules as readonly M[]).map(module => [number(module), module]));
}

/** Whether something was read by its module: what none reads is kept as octets, in `value`. */
export function isRead<T extends object>(item: T): item is Exclude<T, { readonly value: Uint8Array }> {
  return !('value' in item && item.value instanceof Uint8Array);
}
