import { describe, expect, test } from 'vitest';
import { endpointsOf, nodeOf, speakerOf } from './inputs.ts';

const conditions = (list: Record<string, string>) => ({ conditions: Object.entries(list).map(([type, status]) => ({ type, status })) });
const endpoint = (address: string, nodeName?: string, conditions?: { ready?: boolean; serving?: boolean }) => ({
  addresses: [address],
  nodeName,
  conditions,
});
const counts = (...slices: Parameters<typeof endpointsOf>[0] extends Iterable<infer S> ? S[] : never) => {
  const { serving, ready, nodeless } = endpointsOf(slices);
  return { serving: Object.fromEntries(serving), ready: Object.fromEntries(ready), nodeless };
};

describe('nodeOf', () => {
  test.each([
    ['nothing said', {}, undefined, { ready: true, networkUnavailable: false, drained: false }],
    ['Ready', {}, conditions({ Ready: 'True' }), { ready: true }],
    ['NotReady', {}, conditions({ Ready: 'False' }), { ready: false }],
    ['unknown', {}, conditions({ Ready: 'Unknown' }), { ready: false }],
    ['no network', {}, conditions({ NetworkUnavailable: 'True', Ready: 'True' }), { networkUnavailable: true }],
    ['network', {}, conditions({ NetworkUnavailable: 'False' }), { networkUnavailable: false }],
    ['drained', { 'heraldlb.io/drain': 'true' }, undefined, { drained: true }],
    ['drained with a reason', { 'heraldlb.io/drain': 'maintenance' }, undefined, { drained: true }],
    ['no longer drained', { 'heraldlb.io/drain': 'false' }, undefined, { drained: false }],
  ])('%s', (_, annotations, status, expected) => {
    expect(nodeOf({ metadata: { name: 'n1', annotations }, status })).toMatchObject({ name: 'n1', ...expected });
  });
});

test('speakerOf takes the names of the interfaces', () => {
  const segment = { interface: 'eth0', segment: 'lan', carrier: true, fit: true };
  const speaker = {
    apiVersion: 'heraldlb.io/v1beta1',
    kind: 'Speaker',
    metadata: { name: 'n1' },
    status: { segments: [segment] },
  } as const;
  expect(speakerOf({ ...speaker, status: { segments: [segment] } })).toEqual({ node: 'n1', interfaces: new Set(['eth0']) });
  const more = { ...speaker, status: { segments: [segment], excludedInterfaces: ['docker0'] } };
  expect(speakerOf(more)).toEqual({ node: 'n1', interfaces: new Set(['eth0', 'docker0']) });
  expect(speakerOf({ apiVersion: 'heraldlb.io/v1beta1', kind: 'Speaker', metadata: { name: 'n2' } }).interfaces.size).toBe(0);
});

describe('endpointsOf', () => {
  test.each([
    ['ready', endpoint('10.1.0.1', 'n1', { ready: true }), { serving: { n1: 1 }, ready: { n1: 1 }, nodeless: 0 }],
    ['unsaid counts as ready', endpoint('10.1.0.1', 'n1'), { serving: { n1: 1 }, ready: { n1: 1 }, nodeless: 0 }],
    [
      'terminating, still serving',
      endpoint('10.1.0.1', 'n1', { ready: false, serving: true }),
      { serving: { n1: 1 }, ready: {}, nodeless: 0 },
    ],
    ['not ready', endpoint('10.1.0.1', 'n1', { ready: false }), { serving: {}, ready: {}, nodeless: 0 }],
    [
      'terminating, no longer serving',
      endpoint('10.1.0.1', 'n1', { ready: false, serving: false }),
      { serving: {}, ready: {}, nodeless: 0 },
    ],
    ['written by hand, without a node', endpoint('192.0.2.1'), { serving: {}, ready: {}, nodeless: 1 }],
  ])('%s', (_, each, expected) => {
    expect(counts({ addressType: 'IPv4', endpoints: [each] })).toEqual(expected);
  });

  test('slices add up; one endpoint in two slices or in two address types counts once', () => {
    const one = endpoint('10.1.0.1', 'n1');
    expect(
      counts(
        { addressType: 'IPv4', endpoints: [one, endpoint('10.1.0.2', 'n1')] },
        { addressType: 'IPv4', endpoints: [one, endpoint('10.1.0.3', 'n2')] },
        { addressType: 'IPv6', endpoints: [endpoint('fd00::1', 'n1'), endpoint('fd00::2', 'n1')] },
        { addressType: 'IPv4', endpoints: null },
      ),
    ).toEqual({ serving: { n1: 2, n2: 1 }, ready: { n1: 2, n2: 1 }, nodeless: 0 });
  });

  test('no slices, no endpoints', () => {
    expect(counts()).toEqual({ serving: {}, ready: {}, nodeless: 0 });
  });
});
