/** Nodes of which any may come first for an address, as indexes in ascending order. */
export interface Group {
  /** Only {@link Balancer.reshape} sets it. */
  nodes: readonly number[];
}

const rounds = 40;
/** A round that changes no level by more than this share of it is the last. */
const precision = 0.0005;

/**
 * What each node would come first for if addresses could be divided, and were divided so that the loads are as even as the groups allow:
 * addresses that may be anywhere keep away from nodes that hold many which can be nowhere else. An approximation from above, by prices: a
 * node takes of each group a part in proportion to its price, and a node that gets more than others lowers it, by a little more than
 * would do if nobody else did. Whatever the number of rounds, the outcome divides exactly what there is. Depends on nothing but the sizes.
 */
export function levels(sizes: ReadonlyMap<Group, number>, nodeCount: number): Float64Array {
  const price = new Float64Array(nodeCount).fill(1);
  let load = divide(sizes, price);
  for (let round = 1; round < rounds; round++) {
    for (const [node, value] of load.entries()) if (value > 0) price[node] = (price[node] as number) / (value * Math.sqrt(value));
    const next = divide(sizes, price);
    const settled = next.every((value, node) => Math.abs(value - (load[node] as number)) <= precision * value);
    load = next;
    if (settled) break;
  }
  return load;
}

function divide(sizes: ReadonlyMap<Group, number>, price: Float64Array): Float64Array {
  const load = new Float64Array(price.length);
  for (const [{ nodes }, size] of sizes) {
    let sum = 0;
    for (const node of nodes) sum += price[node] as number;
    const part = size / sum;
    for (const node of nodes) load[node] = (load[node] as number) + part * (price[node] as number);
  }
  return load;
}
