import { expect, it } from 'vitest';
import { departureOf } from './departure.ts';

const exclude = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
const unavailable = { conditions: [{ type: 'NetworkUnavailable', status: 'True' }] };

it.each<[string, Parameters<typeof departureOf>[0], boolean, ReturnType<typeof departureOf>]>([
  ['not known yet', undefined, false, undefined],
  ['a node like any other', { metadata: { name: 'a' } }, false, undefined],
  ['cordoned only', { metadata: { name: 'a' }, spec: { unschedulable: true } }, false, undefined],
  ['the label', { metadata: { name: 'a', labels: exclude } }, false, { because: 'NodeExcludedByLabel', drainTime: 2000 }],
  ['the label where it does not count', { metadata: { name: 'a', labels: exclude } }, true, undefined],
  ['its network', { metadata: { name: 'a' }, status: unavailable }, false, { because: 'NodeNetworkUnavailable', drainTime: 2000 }],
  [
    'a network that is available',
    { metadata: { name: 'a' }, status: { conditions: [{ type: 'NetworkUnavailable', status: 'False' }] } },
    false,
    undefined,
  ],
  [
    'a drain by name, whose time counts',
    { metadata: { name: 'a', labels: exclude, annotations: { 'heraldlb.io/drain': '30' } } },
    false,
    { because: 'NodeDrained', drainTime: 30_000 },
  ],
  ['a drain taken back', { metadata: { name: 'a', annotations: { 'heraldlb.io/drain': 'false' } } }, false, undefined],
])('%s', (_, node, ignoreExcludeLabel, departure) => {
  expect(departureOf(node, { drainTime: 2000, ignoreExcludeLabel })).toEqual(departure);
});
