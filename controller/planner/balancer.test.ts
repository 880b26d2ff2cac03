import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Balancer, balance, type Group } from './balancer.ts';
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

/** The bound, worked out from scratch. */
function boundOf(node: number, all: Iterable<Group>): number {
  let share = 0;
  for (const { nodes } of all) if (nodes.includes(node)) share += 1 / nodes.length;
  return Math.ceil(Math.round(share * balance * 1e6) / 1e6);
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
          for (let node = 0; node < nodeCount; node++) {
            expect(subject.count(node)).toBe(counts.get(node) ?? 0);
            expect(subject.bound(node)).toBe(boundOf(node, model.values()));
            expect(counts.get(node) ?? 0).toBeLessThanOrEqual(subject.bound(node));
          }
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

test('rendezvous weights spread evenly', () => {
  const subject = balancer(10);
  const group = groups()(Array.from({ length: 10 }, (_, i) => i));
  for (let i = 0; i < 5000; i++) subject.set(`10.0.${i >> 8}.${i & 255}`, hashText(`10.0.${i >> 8}.${i & 255}`), group);
  subject.settle();
  for (let node = 0; node < 10; node++) expect(Math.abs(subject.count(node) - 500)).toBeLessThan(100);
});
