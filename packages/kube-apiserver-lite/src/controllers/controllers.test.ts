import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../index.ts';
import { TestClient } from '../testing/client.ts';

const errors: string[] = [];
let server: ApiServer;
let client: TestClient;
const NS = '/api/v1/namespaces/default';
const MAPS = `${NS}/configmaps`;

beforeAll(async () => {
  server = await startApiServer({
    controllers: { nodes: { graceMs: 200, periodMs: 20 }, kubelet: { startMs: 1, stopMs: 1 } },
    onError: (error, where) => errors.push(`${where}: ${String(error)}`),
  });
  client = new TestClient(server);
});

afterAll(async () => {
  await server.close();
  expect(errors).toEqual([]);
});

const owned = (owner: { name: string; uid: string }, block = false): object => ({
  ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', ...owner, ...(block ? { blockOwnerDeletion: true } : {}) }],
});

const family = async (prefix: string, block = false): Promise<string> => {
  const { body } = await client.send('POST', MAPS, { metadata: { name: `${prefix}-owner` } });
  const { uid } = body['metadata'] as { uid: string };
  await client.send('POST', MAPS, { metadata: { name: `${prefix}-child`, ...owned({ name: `${prefix}-owner`, uid }, block) } });
  return uid;
};

describe('garbage collection', () => {
  it.each(['Background', 'Foreground'])('%s deletion takes what is owned', async propagationPolicy => {
    const prefix = propagationPolicy.toLowerCase();
    await family(prefix, propagationPolicy === 'Foreground');
    await client.send('DELETE', `${MAPS}/${prefix}-owner`, { propagationPolicy });
    expect((await client.until(`${MAPS}/${prefix}-child`, 404)).status).toBe(404);
    expect((await client.until(`${MAPS}/${prefix}-owner`, 404)).status).toBe(404);
  });

  it('orphaning leaves it, without the reference', async () => {
    await family('orphan');
    await client.send('DELETE', `${MAPS}/orphan-owner`, { propagationPolicy: 'Orphan' });
    await client.until(`${MAPS}/orphan-owner`, 404);
    const { body } = await client.get(`${MAPS}/orphan-child`);
    expect(body['metadata']).not.toHaveProperty('ownerReferences');
  });

  it('takes what names an owner that never was', async () => {
    await client.send('POST', MAPS, { metadata: { name: 'stray', ...owned({ name: 'nobody', uid: 'none' }) } });
    expect((await client.until(`${MAPS}/stray`, 404)).status).toBe(404);
  });
});

describe('namespaces', () => {
  it('go when they are empty, and refuse new content until then', async () => {
    await client.send('POST', '/api/v1/namespaces', { metadata: { name: 'gone' } });
    expect((await client.until('/api/v1/namespaces/gone/serviceaccounts/default', 200)).status).toBe(200);
    await client.send('POST', '/api/v1/namespaces/gone/configmaps', { metadata: { name: 'held', finalizers: ['example.com/x'] } });
    await client.send('DELETE', '/api/v1/namespaces/gone');
    expect((await client.send('POST', '/api/v1/namespaces/gone/configmaps', { metadata: { name: 'late' } })).status).toBe(403);
    expect((await client.get('/api/v1/namespaces/gone')).body).toMatchObject({ status: { phase: 'Terminating' } });
    await client.merge('/api/v1/namespaces/gone/configmaps/held', { metadata: { finalizers: null } });
    expect((await client.until('/api/v1/namespaces/gone', 404)).status).toBe(404);
  });
});

describe('the namespaces every cluster needs', () => {
  it.each(['default', 'kube-system', 'kube-public'])('%s cannot be deleted', async name => {
    const { status, body } = await client.send('DELETE', `/api/v1/namespaces/${name}`);
    expect([status, body['message']]).toEqual([403, `namespaces "${name}" is forbidden: this namespace may not be deleted`]);
  });
});

describe('workloads and endpoints', () => {
  it('a Deployment becomes available, its pods become endpoints, and all of it goes', async () => {
    await client.send('POST', '/api/v1/nodes', { metadata: { name: 'n1' } });
    await client.send('POST', `${NS}/services`, {
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
    });
    const template = {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'i', ports: [{ name: 'http', containerPort: 8080 }] }] },
    };
    const path = '/apis/apps/v1/namespaces/default/deployments';
    await client.send('POST', path, {
      metadata: { name: 'web' },
      spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template },
    });
    await settled(async () => ((await client.get(`${path}/web`)).body['status'] as { availableReplicas?: number }).availableReplicas === 3);
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name%3Dweb';
    await settled(async () => {
      const [slice] = (await client.get(slices)).body['items'] as {
        endpoints: { conditions: { ready: boolean } }[] | null;
        ports: { port: number }[];
      }[];
      return slice?.endpoints?.length === 3 && slice.endpoints.every(({ conditions }) => conditions.ready) && slice.ports[0]?.port === 8080;
    });
    await client.send('DELETE', `${path}/web`);
    await client.send('DELETE', `${NS}/services/web`);
    await settled(async () => ((await client.get(`${NS}/pods`)).body['items'] as unknown[]).length === 0);
    await settled(async () => ((await client.get(slices)).body['items'] as unknown[]).length === 0);
  });

  it('Endpoints made by hand are mirrored for a Service without a selector', async () => {
    await client.send('POST', `${NS}/services`, { metadata: { name: 'manual' }, spec: { ports: [{ port: 80 }] } });
    const subsets = [{ addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }], ports: [{ port: 8080 }] }];
    await client.send('POST', `${NS}/endpoints`, { metadata: { name: 'manual' }, subsets });
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name%3Dmanual';
    const types = async (): Promise<string[]> =>
      ((await client.get(slices)).body['items'] as { addressType: string }[]).map(({ addressType }) => addressType).sort();
    await settled(async () => (await types()).join() === 'IPv4,IPv6');
    await client.merge(`${NS}/endpoints/manual`, { subsets: [{ addresses: [{ ip: '192.0.2.2' }], ports: [{ port: 8080 }] }] });
    await settled(async () => (await types()).join() === 'IPv4');
    await client.send('DELETE', `${NS}/endpoints/manual`);
    await settled(async () => (await types()).length === 0);
  });

  it('a DaemonSet has a pod on every node', async () => {
    await client.send('POST', '/api/v1/nodes', { metadata: { name: 'n2' } });
    const template = { metadata: { labels: { app: 'ds' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    const path = '/apis/apps/v1/namespaces/default/daemonsets';
    await client.send('POST', path, { metadata: { name: 'ds' }, spec: { selector: { matchLabels: { app: 'ds' } }, template } });
    await settled(async () => ((await client.get(`${path}/ds`)).body['status'] as { numberReady?: number }).numberReady === 2);
    await client.send('DELETE', '/api/v1/nodes/n2');
    await settled(
      async () => ((await client.get(`${path}/ds`)).body['status'] as { desiredNumberScheduled?: number }).desiredNumberScheduled === 1,
    );
  });
});

describe('nodes', () => {
  it('are Ready while their Lease is renewed, and unreachable when it is not', async () => {
    await client.send('POST', '/api/v1/nodes', { metadata: { name: 'leased' } });
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    await client.send('POST', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', {
      metadata: { name: 'leased' },
      spec: { renewTime },
    });
    const ready = async (): Promise<string | undefined> => {
      const { body } = await client.get('/api/v1/nodes/leased');
      const { conditions = [] } = body['status'] as { conditions?: { type: string; status: string }[] };
      return conditions.find(({ type }) => type === 'Ready')?.status;
    };
    await settled(async () => (await ready()) === 'Unknown');
    const { body } = await client.get('/api/v1/nodes/leased');
    expect(JSON.stringify((body['spec'] as { taints: unknown }).taints)).toContain('node.kubernetes.io/unreachable');
  });
});

async function settled(done: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (await done()) return;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  throw new Error('the controllers did not get there');
}
