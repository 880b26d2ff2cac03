import type { PeerConfig, Speaker, SpeakerSession } from '@herald/crds';
import { bgpPeer } from '@herald/crds/testing';
import { describe, expect, it } from 'vitest';
import { summarize } from './peer-status.ts';
import type { SessionNode } from './sessions.ts';

const node = (name: string, ready = true): SessionNode => ({ name, labels: { name }, ready });
const up = (more: Partial<SpeakerSession> = {}): SpeakerSession => ({ peer: 'tor', state: 'Established', routesAnnounced: 2, ...more });

function sum(peer: PeerConfig | undefined, nodes: SessionNode[], sessions: Record<string, SpeakerSession[]>) {
  const speakers = Object.entries(sessions).map(([name, list]): [string, Speaker] => [
    name,
    { apiVersion: 'heraldlb.io/v1beta1', kind: 'Speaker', metadata: { name }, status: { sessions: list } },
  ]);
  const ready = { type: 'Ready', status: 'False', reason: 'ContradictoryFields', message: '' } as const;
  return summarize(peer, ready, nodes, new Map(speakers));
}

const downAt = (state: SpeakerSession['state'], since: string) =>
  sum(bgpPeer('tor'), [node('a')], { a: [up({ state, since, lastError: 'refused' })] });

describe('the status of a BGPPeer', () => {
  it('is up on every node', () => {
    expect(sum(bgpPeer('tor'), [node('b'), node('a')], { a: [up()], b: [up()] })).toEqual({
      status: { established: '2/2', nodesSelected: 2, nodesEstablished: 2, problems: [], routesAnnounced: 4, lastError: null },
      condition: { status: 'True', reason: 'SessionsEstablished', message: '2 of 2 nodes have the session.' },
    });
  });

  it.each<[string, Record<string, SpeakerSession[]>, SessionNode, string]>([
    ['an attempt that failed', { b: [up({ state: 'Active', lastError: 'connection refused' })] }, node('b'), 'connection refused'],
    ['no attempt yet', { b: [up({ state: 'Connect' })] }, node('b'), 'the router has not answered yet'],
    ['another session only', { b: [up({ peer: 'spine' })] }, node('b'), 'the speaker has not reported the session yet'],
    ['no speaker', {}, node('b'), 'no speaker runs on the node'],
    ['a node without power, whatever its speaker said last', { b: [up()] }, node('b', false), 'the node is not Ready'],
  ])('names the node with what is wrong there: %s', (_, sessions, b, message) => {
    const { status, condition } = sum(bgpPeer('tor'), [node('a'), b], { a: [up()], ...sessions });
    expect(status).toMatchObject({ established: '1/2', nodesSelected: 2, nodesEstablished: 1, routesAnnounced: 2 });
    expect(status.problems).toEqual([{ node: 'b', message: expect.stringContaining(message) }]);
    expect(status.lastError).toContain(`b: ${message}`);
    expect(condition).toMatchObject({ status: 'False', reason: 'SessionsDown', message: expect.stringContaining('1 of 2 nodes') });
  });

  it('tells what is wrong with a session that is up', () => {
    const { status, condition } = sum(bgpPeer('tor'), [node('a')], { a: [up({ lastError: 'the peer does not speak ipv6-unicast' })] });
    expect(status).toMatchObject({ established: '1/1', lastError: 'a: the peer does not speak ipv6-unicast' });
    expect(condition).toMatchObject({ status: 'True', message: expect.stringContaining('does not speak') });
  });

  it('does not change with the attempts of a session that stays down', () => {
    expect(downAt('Connect', '2026-01-01T00:00:00Z')).toEqual(downAt('OpenSent', '2026-01-01T00:01:00Z'));
  });

  it('says that no node is selected', () => {
    const nowhere = bgpPeer('tor', { nodeSelectors: [{ requirements: [{ key: 'name', operator: 'In', values: new Set(['z']) }] }] });
    const { status, condition } = sum(nowhere, [node('a')], { a: [up()] });
    expect(status).toMatchObject({ established: '0/0', problems: [] });
    expect(condition).toMatchObject({ status: 'False', reason: 'NoNodeSelected' });
  });

  it('gives the reason of Ready where no version is in force', () => {
    expect(sum(undefined, [node('a')], {}).condition).toMatchObject({ status: 'False', reason: 'ContradictoryFields' });
  });

  it('stays within bounds', () => {
    const nodes = Array.from({ length: 500 }, (_, index) => node(`n${String(index).padStart(3, '0')}`));
    const { status, condition } = sum(bgpPeer('tor'), nodes, { n000: [up({ state: 'Idle', lastError: 'x'.repeat(5000) })] });
    expect(status.problems).toHaveLength(64);
    expect(status.problems[0]?.message).toHaveLength(512);
    expect(status.lastError?.length).toBeLessThanOrEqual(512);
    expect(condition.message.length).toBeLessThanOrEqual(2000);
  });
});
