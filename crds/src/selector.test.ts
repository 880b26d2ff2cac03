import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { disjoint, type LabelSelectorSource, matches, matchesAny, parseSelector, type Selector } from './selector.ts';

function parsed(source: LabelSelectorSource): Selector {
  const result = parseSelector(source);
  if (!result.ok) throw new Error(result.error);
  return result.selector;
}

describe('label selectors', () => {
  it.each<{ title: string; source: LabelSelectorSource; labels: Record<string, string>; selected: boolean }>([
    { title: 'empty selects everything', source: {}, labels: {}, selected: true },
    { title: 'equal label', source: { matchLabels: { a: '1' } }, labels: { a: '1', b: '2' }, selected: true },
    { title: 'other value', source: { matchLabels: { a: '1' } }, labels: { a: '2' }, selected: false },
    { title: 'In', source: { matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] }, labels: { a: '2' }, selected: true },
    {
      title: 'In without the key',
      source: { matchExpressions: [{ key: 'a', operator: 'In', values: ['1'] }] },
      labels: {},
      selected: false,
    },
    {
      title: 'NotIn without the key',
      source: { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] },
      labels: {},
      selected: true,
    },
    { title: 'NotIn', source: { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, labels: { a: '1' }, selected: false },
    { title: 'Exists', source: { matchExpressions: [{ key: 'a', operator: 'Exists' }] }, labels: { a: '' }, selected: true },
    { title: 'DoesNotExist', source: { matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, labels: { a: '' }, selected: false },
    {
      title: 'all must hold',
      source: { matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'Exists' }] },
      labels: { a: '1' },
      selected: false,
    },
    {
      title: 'inherited properties are no labels',
      source: { matchExpressions: [{ key: 'toString', operator: 'Exists' }] },
      labels: {},
      selected: false,
    },
  ])('$title', ({ source, labels, selected }) => {
    expect(matches(parsed(source), labels)).toBe(selected);
  });

  it.each<[string, LabelSelectorSource, string]>([
    ['In without values', { matchExpressions: [{ key: 'a', operator: 'In' }] }, 'at least one value'],
    ['Exists with values', { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['1'] }] }, 'takes no values'],
    ['an unknown operator', { matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] }, '"Gt"'],
  ])('refuses %s', (_, source, part) => {
    expect(parseSelector(source)).toMatchObject({ ok: false, error: expect.stringContaining(part) });
  });

  it('takes an empty list as no restriction, and any of a list otherwise', () => {
    const list = [parsed({ matchLabels: { a: '1' } }), parsed({ matchLabels: { a: '2' } })];
    expect([matchesAny([], {}), matchesAny(list, { a: '2' }), matchesAny(list, {})]).toEqual([true, true, false]);
  });

  const key = fc.constantFrom('a', 'b');
  const values = fc.uniqueArray(fc.constantFrom('1', '2', '3'), { minLength: 1 });
  const requirement = fc.oneof(
    fc.record({ key, operator: fc.constantFrom('In', 'NotIn'), values }),
    fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  );
  const selector = fc.array(requirement, { maxLength: 3 }).map(matchExpressions => parsed({ matchExpressions }));
  const label = fc.constantFrom(undefined, '1', '2', '3', '4');

  it('nothing matches two selectors that are disjoint', () => {
    fc.assert(
      fc.property(selector, selector, label, label, (one, other, a, b) => {
        const labels = { ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) };
        expect(disjoint(one, other)).toBe(disjoint(other, one));
        if (disjoint(one, other)) expect(matches(one, labels) && matches(other, labels)).toBe(false);
      }),
    );
  });
});
