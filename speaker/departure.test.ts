import { expect, it } from 'vitest';
import { departureOf, isBeingLeft } from './departure.ts';

const exclude = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
const unavailable = { conditions: [{ type: 'NetworkUnavailable', status: 'True' }] };

it.each<[string, Parameters<typeof departureOf>[0], boolean, ReturnType<typeof departureOf>]>([
  ['not known yet', undefined, false, undefined],
  ['a node like any other', { metadata: {} }, false, undefined],
  ['cordoned only', { metadata: {}, spec: { unschedulable: true } }, false, undefined],
  ['the label', { metadata: { labels: exclude } }, false, { because: 'NodeExcludedByLabel', drainTime: 2000 }],
  ['the label where it does not count', { metadata: { labels: exclude } }, true, undefined],
  ['its network', { metadata: {}, status: unavailable }, false, { because: 'NodeNetworkUnavailable', drainTime: 2000 }],
  [
    'a network that is available',
    { metadata: {}, status: { conditions: [{ type: 'NetworkUnavailable', status: 'False' }] } },
    false,
    undefined,
  ],
  [
    'a drain by name, whose time counts',
    { metadata: { labels: exclude, annotations: { 'heraldlb.io/drain': '30' } } },
    false,
    { because: 'NodeDrained', drainTime: 30_000 },
  ],
  ['a drain taken back', { metadata: { annotations: { 'heraldlb.io/drain': 'false' } } }, false, undefined],
])('%s', (_, node, ignoreExcludeLabel, departure) => {
  expect(departureOf(node, { drainTime: 2000, ignoreExcludeLabel })).toEqual(departure);
});

const labelled = { metadata: { labels: exclude } };
const drained = (value: string) => ({ metadata: { annotations: { 'heraldlb.io/drain': value } } });
const conditions = (...list: { type: string; status: string; message?: string }[]) => ({ metadata: {}, status: { conditions: list } });

it.each<[string, Parameters<typeof isBeingLeft>[0], boolean, boolean]>([
  ['a node like any other', { metadata: {} }, false, false],
  ['no Node object', undefined, false, true],
  ['cordoned', { metadata: {}, spec: { unschedulable: true } }, false, true],
  ['uncordoned', { metadata: {}, spec: { unschedulable: false } }, false, false],
  ['cordoned, and the label does not count', { metadata: {}, spec: { unschedulable: true } }, true, true],
  ['labelled', labelled, false, true],
  ['labelled, and the label does not count', labelled, true, false],
  ['drained', drained('true'), true, true],
  ['drained within a time', drained('5m'), true, true],
  ['drained for no reason at all', drained(''), true, true],
  ['a drain taken back', drained('false'), false, false],
  ['shutting down', conditions({ type: 'Ready', status: 'False', message: 'node is shutting down' }), true, true],
  ['not ready', conditions({ type: 'Ready', status: 'False', message: 'container runtime is down' }), false, false],
  ['without a network', conditions({ type: 'NetworkUnavailable', status: 'True', message: 'no route' }), true, true],
  ['with a network', conditions({ type: 'NetworkUnavailable', status: 'False' }), false, false],
])('at the end of the speaker: %s', (_, node, ignoreExcludeLabel, left) => {
  expect(isBeingLeft(node, ignoreExcludeLabel)).toBe(left);
});
