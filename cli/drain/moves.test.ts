import { describe, expect, it } from 'vitest';
import type { ClusterView } from './cluster-view.ts';
import { announcement, node, owner, speaker, view } from './fixtures.ts';
import { planLines } from './lines.ts';
import { drainMoves, rebalanceMoves } from './moves.ts';

const A = '192.0.2.10';
const B = '192.0.2.9';
const ALL = ['n1', 'n2', 'n3'];
const one = announcement('web', [{ ip: A, nodes: ALL }], [owner(A, 'n1')]);

describe('what a drain of n1 moves', () => {
  it.each<[string, ClusterView, string[]]>([
    ['nothing where it owns nothing', view([announcement('web', [{ ip: A, nodes: ALL }], [owner(A, 'n2')])]), []],
    ['its address to the next in the order', view([one]), [`${A}  layer2  n1 → n2  shop/web`]],
    [
      'not to itself, wherever it stands',
      view([announcement('web', [{ ip: A, nodes: ['n3', 'n1'] }], [owner(A, 'n1')])]),
      [`${A}  layer2  n1 → n3  shop/web`],
    ],
    [
      'past a node that is drained',
      view([one], { nodes: [node('n1'), node('n2', { drain: 'true' }), node('n3')] }),
      [`${A}  layer2  n1 → n3  shop/web`],
    ],
    [
      'to one whose drain has ended',
      view([one], { nodes: [node('n1'), node('n2', { drain: 'false' }), node('n3')] }),
      [`${A}  layer2  n1 → n2  shop/web`],
    ],
    [
      'past a node that is not ready',
      view([one], { nodes: [node('n1'), node('n2', { ready: 'Unknown' }), node('n3')] }),
      [`${A}  layer2  n1 → n3  shop/web`],
    ],
    ['past a node that the owner does not hear', view([one], { speakers: [speaker('n1', ['n3'])] }), [`${A}  layer2  n1 → n3  shop/web`]],
    ['past a node that is gone', view([one], { nodes: [node('n1'), node('n3')] }), [`${A}  layer2  n1 → n3  shop/web`]],
    ['by the order alone where its speaker says nothing', view([one], { speakers: [] }), [`${A}  layer2  n1 → n2  shop/web`]],
    [
      'to nobody where it is the only one',
      view([announcement('web', [{ ip: A, nodes: ['n1'] }], [owner(A, 'n1')])]),
      [`${A}  layer2  n1 → nobody  shop/web`],
    ],
    [
      'addresses in their order, each once for all its Services',
      view([
        one,
        announcement(
          'api',
          [
            { ip: A, nodes: ALL },
            { ip: B, nodes: ALL },
          ],
          [owner(A, 'n1'), owner(B, 'n1')],
        ),
      ]),
      [`${B}   layer2  n1 → n2  shop/api`, `${A}  layer2  n1 → n2  shop/web, shop/api`],
    ],
    [
      'what it still forwards for another, so that a second call goes on waiting',
      view([announcement('web', [{ ip: A, nodes: ['n2'] }], [owner(A, 'n2', { node: 'n1', since: '2026-11-21T10:00:00Z', flows: 3 })])]),
      [`${A}  layer2  n1 → n2  shop/web`],
    ],
    [
      'nothing of a Service that is being deleted',
      view([{ ...one, metadata: { ...one.metadata, deletionTimestamp: '2026-11-21T10:00:00Z' } }]),
      [],
    ],
    [
      'its routes, where others announce them too',
      view([announcement('web', [{ ip: A, bgp: null }])], { speakers: [speaker('n1', [], 1), speaker('n2', [], 1)] }),
      [`${A}  bgp  n1 → other nodes  shop/web`],
    ],
    [
      'its routes to nobody, where it is alone',
      view([announcement('web', [{ ip: A, bgp: null }])], { speakers: [speaker('n1', [], 1)] }),
      [`${A}  bgp  n1 → nobody  shop/web`],
    ],
    [
      'its routes to nobody, where the others may not announce them',
      view([announcement('web', [{ ip: A, bgp: ['n1'] }])], { speakers: [speaker('n1', [], 1), speaker('n2', [], 1)] }),
      [`${A}  bgp  n1 → nobody  shop/web`],
    ],
    [
      'no routes of others',
      view([announcement('web', [{ ip: A, bgp: ['n2'] }])], { speakers: [speaker('n1', [], 1), speaker('n2', [], 1)] }),
      [],
    ],
    ['no routes where it has no session', view([announcement('web', [{ ip: A, bgp: null }])], { speakers: [speaker('n2', [], 1)] }), []],
  ])('%s', (_, cluster, lines) => {
    expect(planLines(drainMoves(cluster, 'n1'))).toEqual(lines);
  });
});

describe('what a rebalance moves', () => {
  it.each<[string, ClusterView, string[]]>([
    ['nothing where the first owns', view([one]), []],
    [
      'an address of the second back to the first',
      view([announcement('web', [{ ip: A, nodes: ALL }], [owner(A, 'n2')])]),
      [`${A}  layer2  n2 → n1  shop/web`],
    ],
    [
      'nothing to a first that is not there',
      view([announcement('web', [{ ip: A, nodes: ALL }], [owner(A, 'n2')])], { speakers: [speaker('n2', ['n3'])] }),
      [],
    ],
    [
      'an address of the third to the second, while the first is away',
      view([announcement('web', [{ ip: A, nodes: ALL }], [owner(A, 'n3')])], {
        nodes: [node('n1', { ready: 'False' }), node('n2'), node('n3')],
      }),
      [`${A}  layer2  n3 → n2  shop/web`],
    ],
    ['nothing that nobody owns', view([announcement('web', [{ ip: A, nodes: ALL }])]), []],
    ['nothing that is announced by BGP', view([announcement('web', [{ ip: A, bgp: null }])], { speakers: [speaker('n1', [], 1)] }), []],
  ])('%s', (_, cluster, lines) => {
    expect(planLines(rebalanceMoves(cluster))).toEqual(lines);
  });
});
