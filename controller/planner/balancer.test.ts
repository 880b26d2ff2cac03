import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Balancer, type Group } from './balancer.ts';
import { levels } from './levels.ts';
import { hashText } from './rendezvous.ts';

const nodeCount = 6;

/** Groups as the planner makes them: one object per distinct set. */
function groups(): (nodes: readonly number[]) => Group {
  const known = new Map<string, Group>();
  return nodes => {
    const sorted = [...new Set(nodes)].sort((a, b) => a - b);
    const group = known.get(sorted.join()) ?? { nodes: sorted };
    known.set(sorted.join(), group);
    return group;
  };
}

function balancer(nodes = nodeCount): Balancer {
  const result = new Balancer();
  for (let i = 0; i < nodes; i++) result.addNode(hashText(`node-${i}`));
  return result;
}

/**
 * The most even loads there are, exactly: the densest set of nodes (most addresses per node that can be nowhere else) gets its average, and so
 * on with what is left. By trying all sets.
 */
function exactLevels(all: Iterable<Group>): number[] {
  const level = Array.from({ length: nodeCount }, () => 0);
  let open = 2 ** nodeCount - 1;
  let units = [...all].map(({ nodes }) => nodes.reduce((mask, node) => mask | (1 << node), 0));
  while (open !== 0) {
    let densest = open;
    let best = -1;
    for (let set = open; set > 0; set = (set - 1) & open) {
      const size = set.toString(2).replaceAll('0', '').length;
      const density = units.filter(unit => (unit & ~set) === 0).length / size;
      if (density > best) [densest, best] = [set, density];
    }
    for (let node = 0; node < nodeCount; node++) if ((densest & (1 << node)) !== 0) level[node] = best;
    units = units.map(unit => unit & ~densest).filter(unit => unit !== 0);
    open &= ~densest;
  }
  return level;
}

const groupArbitrary = fc.uniqueArray(fc.nat(nodeCount - 1), { minLength: 1, maxLength: nodeCount });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ set: fc.nat(30), group: groupArbitrary, hint: fc.integer({ min: -1, max: nodeCount - 1 }) }) },
  { weight: 1, arbitrary: fc.record({ drop: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ without: fc.nat(nodeCount - 1) }) },
);

describe('Balancer', { timeout: 120_000 }, () => {
  test('after any changes: everything placed within its group, nobody beyond the bound, and only what must move has moved', () => {
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 12 }), lives => {
        const subject = balancer();
        const intern = groups();
        const model = new Map<string, Group>();
        const firsts = new Map<string, number>();
        for (const steps of lives) {
          const changed = new Set<string>();
          const set = (id: string, group: Group, hint = -1) => {
            if (model.get(id) !== group) changed.add(id);
            subject.set(id, hashText(id), group, hint);
            model.set(id, group);
          };
          for (const each of steps) {
            if ('set' in each) set(`10.0.0.${each.set}`, intern(each.group), each.hint);
            else if ('drop' in each) {
              const id = `10.0.0.${each.drop}`;
              subject.delete(id);
              model.delete(id);
              firsts.delete(id);
              changed.add(id);
            } else {
              // A node goes from every group that has others.
              for (const [id, { nodes }] of model) {
                const rest = nodes.filter(node => node !== each.without);
                if (rest.length > 0) set(id, intern(rest));
              }
            }
          }
          const moved = new Set(subject.settle());
          const counts = new Map<number, number>();
          for (const [id, { nodes }] of model) {
            const first = subject.first(id);
            expect(nodes).toContain(first);
            counts.set(first, (counts.get(first) ?? 0) + 1);
            if (moved.has(id)) expect(firsts.get(id)).not.toBe(first);
            else expect(firsts.get(id)).toBe(first);
          }
          const level = exactLevels(model.values());
          for (let node = 0; node < nodeCount; node++) {
            expect(subject.count(node)).toBe(counts.get(node) ?? 0);
            expect(counts.get(node) ?? 0).toBeLessThanOrEqual(subject.bound(node));
          }
          expect(Math.max(...counts.values(), 0)).toBeLessThanOrEqual(Math.ceil(1.25 * Math.max(...level)));
          if (changed.size === 0) expect([...moved]).toEqual([]);
          for (const id of firsts.keys()) if (!model.has(id)) firsts.delete(id);
          for (const id of model.keys()) firsts.set(id, subject.first(id));
          expect(subject.settle()).toEqual([]);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('from nothing, the outcome does not depend on the order of calls', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ id: fc.nat(99), group: groupArbitrary }), { selector: ({ id }) => id, maxLength: 60 }),
        units => {
          const firsts = (list: typeof units) => {
            const subject = balancer();
            const intern = groups();
            for (const { id, group } of list) subject.set(`ip-${id}`, hashText(`ip-${id}`), intern(group));
            subject.settle();
            return units.map(({ id }) => subject.first(`ip-${id}`));
          };
          expect(firsts([...units].reverse())).toEqual(firsts(units));
        },
      ),
    );
  });

  test('where the greedy choice is stuck, a chain of moves makes room', () => {
    // Everything that could be on two nodes is there by hint; what can only be on the first of them comes after.
    const subject = balancer(3);
    const intern = groups();
    for (let i = 0; i < 30; i++) subject.set(`wide-${i}`, hashText(`wide-${i}`), intern([0, 1]), 0);
    for (let i = 0; i < 30; i++) subject.set(`other-${i}`, hashText(`other-${i}`), intern([1, 2]), 1);
    subject.settle();
    for (let i = 0; i < 40; i++) subject.set(`narrow-${i}`, hashText(`narrow-${i}`), intern([0]));
    subject.settle();
    for (const node of [0, 1, 2]) expect(subject.count(node)).toBeLessThanOrEqual(subject.bound(node));
    expect(subject.count(0) + subject.count(1) + subject.count(2)).toBe(100);
  });

  test('a thousand addresses on ten nodes: adding one node moves no more than its share', () => {
    const subject = balancer(11);
    const intern = groups();
    const ten = intern(Array.from({ length: 10 }, (_, i) => i));
    const eleven = intern(Array.from({ length: 11 }, (_, i) => i));
    const ids = Array.from({ length: 1000 }, (_, i) => `ip-${i}`);
    for (const id of ids) subject.set(id, hashText(id), ten);
    subject.settle();
    const before = ids.map(id => subject.first(id));
    for (const id of ids) subject.set(id, hashText(id), eleven);
    const moved = subject.settle();
    expect(moved.length).toBe(ids.filter((id, i) => subject.first(id) !== before[i]).length);
    expect(moved.length).toBeLessThanOrEqual(Math.ceil(1000 / 11));
  });
});

describe('levels', () => {
  test('divide exactly what there is, and no node gets noticeably more than in the most even division', () => {
    fc.assert(
      fc.property(fc.array(groupArbitrary, { maxLength: 40 }), lists => {
        const intern = groups();
        const sizes = new Map<Group, number>();
        const all = lists.map(intern);
        for (const group of all) sizes.set(group, (sizes.get(group) ?? 0) + 1);
        const found = levels(sizes, nodeCount);
        expect(found.reduce((sum, value) => sum + value, 0)).toBeCloseTo(all.length, 6);
        // No set of nodes gets less than what can be nowhere else.
        for (let set = 1; set < 2 ** nodeCount; set++) {
          const inside = all.filter(({ nodes }) => nodes.every(node => (set & (1 << node)) !== 0)).length;
          expect(found.reduce((sum, value, node) => sum + ((set & (1 << node)) === 0 ? 0 : value), 0)).toBeGreaterThan(inside - 1e-6);
        }
        expect(Math.max(...found)).toBeLessThanOrEqual(1.05 * Math.max(...exactLevels(all)));
      }),
      { numRuns: 300 },
    );
  });

  test('what may be anywhere keeps away from nodes that hold many which can be nowhere else', () => {
    const intern = groups();
    const sizes = new Map([
      [intern([0]), 30],
      [intern([0, 1, 2]), 60],
    ]);
    for (const level of levels(sizes, 3)) expect(Math.abs(level - 30)).toBeLessThan(1.2);
  });
});

describe('a thousand addresses on ten nodes, all of which may hold any', { timeout: 120_000 }, () => {
  const all = Array.from({ length: 10 }, (_, i) => i);
  const begin = () => {
    const subject = balancer(10);
    const group: Group = { nodes: all };
    const ids = Array.from({ length: 1000 }, (_, i) => `ip-${i}`);
    for (const id of ids) subject.set(id, hashText(id), group);
    subject.settle();
    return { subject, group, ids };
  };

  test('a node that goes moves its addresses and no other', () => {
    const { subject, group, ids } = begin();
    const lost = ids.filter(id => subject.first(id) === 3);
    subject.reshape(
      group,
      all.filter(node => node !== 3),
    );
    expect(subject.settle().toSorted()).toEqual(lost.toSorted());
  });

  test('after any coming and going of nodes and addresses no node holds more than 1.25 times the mean', () => {
    const event = fc.oneof(
      fc.record({ nodes: fc.uniqueArray(fc.nat(9), { minLength: 2, maxLength: 10 }) }),
      fc.record({ drop: fc.nat(999), count: fc.integer({ min: 1, max: 300 }) }),
      fc.record({ add: fc.integer({ min: 1, max: 300 }) }),
    );
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 25 }), events => {
        const { subject, group, ids } = begin();
        const live = new Set(ids);
        let added = ids.length;
        for (const each of events) {
          if ('nodes' in each)
            subject.reshape(
              group,
              each.nodes.toSorted((a, b) => a - b),
            );
          else if ('drop' in each) {
            for (const id of [...live].slice(each.drop, each.drop + each.count)) {
              subject.delete(id);
              live.delete(id);
            }
          } else {
            for (let i = 0; i < each.add; i++) {
              const id = `ip-${added++}`;
              live.add(id);
              subject.set(id, hashText(id), group);
            }
          }
          subject.settle();
          const counts = group.nodes.map(node => subject.count(node));
          expect(counts.reduce((sum, count) => sum + count, 0)).toBe(live.size);
          expect(Math.max(...counts)).toBeLessThanOrEqual(Math.ceil((1.25 * live.size) / group.nodes.length));
        }
      }),
      { numRuns: 40 },
    );
  });
});

test('rendezvous weights spread evenly', () => {
  const subject = balancer(10);
  const group = groups()(Array.from({ length: 10 }, (_, i) => i));
  for (let i = 0; i < 5000; i++) subject.set(`10.0.${i >> 8}.${i & 255}`, hashText(`10.0.${i >> 8}.${i & 255}`), group);
  subject.settle();
  for (let node = 0; node < 10; node++) expect(Math.abs(subject.count(node) - 500)).toBeLessThan(100);
});
