import type { Announcement } from '@herald/crds';
import { type Client, connectTo } from '@herald/kube';
import { ScriptedServer, sendJson } from '@herald/kube/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AnnouncementWriter, type DesiredAnnouncement } from './announcement-writer.ts';

const key = 'x/web';
const service = { metadata: { namespace: 'x', name: 'web', uid: 'u1', resourceVersion: '1' } };
const plan = (...nodes: string[]): DesiredAnnouncement => ({
  spec: { addresses: [{ ip: '10.0.0.1', pool: 'lan', layer2: { nodes, interfaces: [] } }] },
  nodes: [],
  keeps: [],
});

const server = new ScriptedServer(({ body }, response) => sendJson(response, 200, body === '' ? {} : JSON.parse(body)));
let client: Client;
let writer: AnnouncementWriter;
let cached: Announcement;
let desired: DesiredAnnouncement | null;
let undecided: boolean;
let holds: boolean;
const { signal } = new AbortController();
const written = () => server.seen.map(({ method, path }) => `${method} ${path.split('/').slice(-2).join('/')}`);

beforeEach(async () => {
  server.seen.length = 0;
  [desired, undecided, holds] = [plan('n1'), false, true];
  await server.listen();
  client = connectTo(server.url, { qps: 0 });
  const { name, namespace, uid } = service.metadata;
  cached = {
    apiVersion: 'heraldlb.io/v1beta1',
    kind: 'Announcement',
    metadata: { name, namespace, resourceVersion: '5', ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid }] },
    spec: plan('n1').spec,
  };
  writer = new AnnouncementWriter({
    client,
    service: () => service,
    cached: () => cached,
    desired: () => desired,
    undecided: () => undecided,
    silent: () => [],
    holds: () => holds,
  });
});
afterEach(async () => {
  client.close();
  await server.kill();
});

describe('AnnouncementWriter', () => {
  it('writes only what differs', async () => {
    await writer.write(key, signal);
    expect(written()).toEqual([]);
    desired = plan('n2');
    await writer.write(key, signal);
    expect(written()).toEqual(['PATCH announcements/web']);
  });

  it.each<{ what: string; shall: DesiredAnnouncement | null }>([
    { what: 'another plan', shall: plan('n2') },
    { what: 'a report of nodes', shall: { ...plan('n1'), nodes: [{ node: 'n2', reason: 'NodeDrained', message: '' }] } },
    { what: 'a deletion', shall: null },
  ])('writes nothing without the lease: $what', async ({ shall }) => {
    desired = shall;
    holds = false;
    await expect(writer.write(key, signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(written()).toEqual([]);
  });

  it('puts back what somebody else writes at once, and where that goes on not as fast as it can', async () => {
    let version = 5;
    const other = async () => {
      cached = { ...cached, metadata: { ...cached.metadata, resourceVersion: String(++version) }, spec: plan('n9').spec };
      writer.observed(key);
      return writer.write(key, signal);
    };
    await writer.write(key, signal);
    expect(await other()).toBeUndefined();
    expect(written()).toHaveLength(1);
    for (let round = 0; round < 3; round++) expect(await other()).toMatchObject({ requeueAfterMs: expect.any(Number) as number });
    expect(written()).toHaveLength(1);
    // Herald's own decisions wait for nobody.
    desired = plan('n2');
    expect(await other()).toBeUndefined();
    expect(written()).toHaveLength(2);
  });

  it('withdraws nothing of a Service that nothing was decided about yet', async () => {
    [desired, undecided] = [null, true];
    await writer.write(key, signal);
    expect(written()).toEqual([]);
    undecided = false;
    await writer.write(key, signal);
    expect(written()).toEqual(['DELETE announcements/web']);
  });
});
