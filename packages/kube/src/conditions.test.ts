import { describe, expect, it } from 'vitest';
import { type Condition, findCondition, isTrue, setCondition } from './conditions.ts';
import { isOwnedBy, ownerReference } from './owner-reference.ts';

const ready: Condition = { type: 'Ready', status: 'True', reason: 'Ok', message: 'fine', lastTransitionTime: 'then' };
const other: Condition = { ...ready, type: 'Other' };

describe('setCondition', () => {
  it.each([
    [
      'a new condition',
      [other],
      { type: 'Ready', status: 'True', reason: 'Ok', message: 'fine' },
      [other, { ...ready, lastTransitionTime: 'now' }],
      true,
    ],
    ['the same again', [ready], { type: 'Ready', status: 'True', reason: 'Ok', message: 'fine' }, [ready], false],
    ['another message', [ready], { type: 'Ready', status: 'True', reason: 'Ok', message: 'new' }, [{ ...ready, message: 'new' }], true],
    [
      'another status',
      [ready, other],
      { type: 'Ready', status: 'False', reason: 'No', message: 'fine' },
      [{ ...ready, status: 'False', reason: 'No', lastTransitionTime: 'now' }, other],
      true,
    ],
    [
      'another generation',
      [ready],
      { type: 'Ready', status: 'True', reason: 'Ok', message: 'fine', observedGeneration: 2 },
      [{ ...ready, observedGeneration: 2 }],
      true,
    ],
  ])('%s', (_, before, wanted, conditions, changed) => {
    expect(setCondition(before, wanted, 'now')).toEqual({ conditions, changed });
  });

  it('finds and judges', () => {
    expect(findCondition([other, ready], 'Ready')).toBe(ready);
    expect(isTrue([ready], 'Ready')).toBe(true);
    expect(isTrue(undefined, 'Ready')).toBe(false);
  });
});

describe('ownerReference', () => {
  const owner = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop', uid: 'u1' } };

  it('names this incarnation of the owner', () => {
    const reference = ownerReference(owner);
    expect(reference).toEqual({ apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'u1', controller: true, blockOwnerDeletion: false });
    const owned = { metadata: { name: 'x', ownerReferences: [reference] } };
    expect(isOwnedBy(owned, owner)).toBe(true);
    expect(isOwnedBy(owned, { ...owner, metadata: { ...owner.metadata, uid: 'u2' } })).toBe(false);
  });

  it('refuses an owner that is not from the API', () => {
    expect(() => ownerReference({ kind: 'Service', metadata: { name: 'web' } })).toThrow('Service web cannot own');
  });
});
