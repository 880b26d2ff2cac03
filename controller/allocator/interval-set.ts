/** A run of consecutive members, both ends included. */
interface Node {
  start: bigint;
  end: bigint;
  readonly weight: number;
  left: Node | null;
  right: Node | null;
}

/**
 * A set of non-negative integers held as maximal runs in a treap (a search tree by `start`, a heap by `weight`), so that the first
 * number that is *not* a member is found in O(log runs) however many members there are. The weights come from a fixed
 * generator: the same calls build the same tree.
 */
export class IntervalSet {
  #root: Node | null = null;
  #seed = 0x9e3779b9;

  has(x: bigint): boolean {
    const run = this.#floor(x);
    return run !== null && x <= run.end;
  }

  /** The lowest number, `from` or above, that is not a member. */
  firstGap(from: bigint): bigint {
    const run = this.#floor(from);
    return run !== null && from <= run.end ? run.end + 1n : from;
  }

  /** Adds a number; does nothing when it is a member. */
  add(x: bigint): void {
    const before = this.#floor(x);
    if (before !== null && x <= before.end) return;
    const after = this.#find(x + 1n);
    if (before !== null && before.end === x - 1n) {
      if (after === null) before.end = x;
      else {
        const { end } = after;
        this.#root = remove(this.#root, after.start);
        before.end = end;
      }
    } else if (after !== null)
      after.start = x; // nothing lies between x and x + 1: the order of the tree stands
    else this.#root = insert(this.#root, this.#node(x, x));
  }

  /** Removes a number; does nothing when it is no member. */
  delete(x: bigint): void {
    const run = this.#floor(x);
    if (run === null || x > run.end) return;
    const { start, end } = run;
    if (start === end) this.#root = remove(this.#root, start);
    else if (x === start) run.start = x + 1n;
    else {
      run.end = x - 1n;
      if (x < end) this.#root = insert(this.#root, this.#node(x + 1n, end));
    }
  }

  /** The runs in order, for tests and dumps. */
  runs(): [bigint, bigint][] {
    const runs: [bigint, bigint][] = [];
    const walk = (node: Node | null): void => {
      if (node === null) return;
      walk(node.left);
      runs.push([node.start, node.end]);
      walk(node.right);
    };
    walk(this.#root);
    return runs;
  }

  /** The run with the greatest start not above x. */
  #floor(x: bigint): Node | null {
    let found: Node | null = null;
    for (let node = this.#root; node !== null; ) {
      if (node.start <= x) {
        found = node;
        node = node.right;
      } else node = node.left;
    }
    return found;
  }

  /** The run that starts at x. */
  #find(x: bigint): Node | null {
    const run = this.#floor(x);
    return run?.start === x ? run : null;
  }

  #node(start: bigint, end: bigint): Node {
    // xorshift32 (Marsaglia 2003): evenly spread weights keep the expected depth logarithmic.
    this.#seed ^= this.#seed << 13;
    this.#seed ^= this.#seed >>> 17;
    this.#seed ^= this.#seed << 5;
    return { start, end, weight: this.#seed, left: null, right: null };
  }
}

function insert(root: Node | null, node: Node): Node {
  if (root === null) return node;
  if (node.weight > root.weight) {
    [node.left, node.right] = split(root, node.start);
    return node;
  }
  if (node.start < root.start) root.left = insert(root.left, node);
  else root.right = insert(root.right, node);
  return root;
}

function split(root: Node | null, at: bigint): [Node | null, Node | null] {
  if (root === null) return [null, null];
  if (root.start < at) {
    const [left, right] = split(root.right, at);
    root.right = left;
    return [root, right];
  }
  const [left, right] = split(root.left, at);
  root.left = right;
  return [left, root];
}

function remove(root: Node | null, start: bigint): Node | null {
  if (root === null) return null;
  if (root.start === start) return merge(root.left, root.right);
  if (start < root.start) root.left = remove(root.left, start);
  else root.right = remove(root.right, start);
  return root;
}

function merge(left: Node | null, right: Node | null): Node | null {
  if (left === null) return right;
  if (right === null) return left;
  if (left.weight > right.weight) {
    left.right = merge(left.right, right);
    return left;
  }
  right.left = merge(left, right.left);
  return right;
}
