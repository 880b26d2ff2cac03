import { helmPath } from '@herald/charts';
import { runController } from '@herald/controller';
import { kinds } from '@herald/crds';
import { connectTo } from '@herald/kube';
import { createLogger } from '@herald/process';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyObject, createObject, type Manifest } from './apply.ts';
import { config, doings, granted, install, manifest, mayStill, namespace, read, tokenOf, until, withoutEach } from './permissions.ts';

const ports = [{ port: 80 }];
const service = (name: string, type = 'LoadBalancer', annotations: Record<string, string> = {}): Manifest =>
  manifest('v1', 'Service', name, { annotations }, { spec: { type, selector: { app: name }, ports } });

/** Those verbs that an account may do something by, with a kind of Herald's. */
async function allowed(
  server: ApiServer,
  account: string,
  verbs: readonly string[],
  resource: string,
  where = namespace,
): Promise<string[]> {
  const answers = await Promise.all(
    verbs.map(verb => mayStill(server, account, { verb, group: 'heraldlb.io', resource, namespace: where })),
  );
  return verbs.filter((_, index) => answers[index]);
}

describe.skipIf(helmPath() === undefined)('the permissions of the chart', () => {
  let server: ApiServer;
  let objects: Manifest[];
  const stop = new AbortController();
  let running: Promise<void> | undefined;

  beforeAll(async () => {
    server = await startApiServer({ port: 0 });
    objects = await install(server);
  });

  afterAll(async () => {
    stop.abort();
    await running;
    await server.close();
  });

  async function hasAddress(name: string): Promise<boolean> {
    const path = `/api/v1/namespaces/default/services/${name}`;
    const found = await read<{ status?: { loadBalancer?: { ingress?: unknown[] } } }>(server, path);
    return found?.status?.loadBalancer?.ingress?.length === 1;
  }

  const mine = () => doings(server, 'herald-controller');
  const refused = (): string => `(refused: ${[...mine().refused].join(', ') || 'nothing'})`;

  it('are enough for the controller, and each of them is needed', async () => {
    const token = await tokenOf(server, 'herald-controller');
    running = runController(
      {
        logger: createLogger({ component: 'controller', level: 'silent' }),
        version: 'test',
        connect: options => Promise.resolve(connectTo(server.url, { ...options, token })),
        namespace,
        qps: 0,
        burst: 1,
        loadBalancerClass: null,
        identity: 'replica',
        leaderElection: { name: 'herald-controller', leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 500 },
      },
      stop.signal,
    );
    const excluded = { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } };
    const endpoints = [{ addresses: ['10.1.0.1'], nodeName: 'n1', conditions: { ready: true } }];
    for (const object of [
      manifest('v1', 'Node', 'n1'),
      manifest('v1', 'Node', 'n2', excluded),
      config('IPAddressPool', 'lan', { addresses: ['192.168.150.240-192.168.150.250'] }),
      config('L2Advertisement', 'lan', {}),
      config('BGPAdvertisement', 'lan', {}),
      config('BGPPeer', 'tor', { myASN: 64_500, peerASN: 64_501, peerAddress: '10.0.0.1' }),
      config('BFDProfile', 'fast', {}),
      config('Community', 'names', { communities: [{ name: 'x', value: '1:2' }] }),
      service('web'),
      service('kept', 'LoadBalancer', { 'heraldlb.io/keep-ip': 'true' }),
      manifest(
        'discovery.k8s.io/v1',
        'EndpointSlice',
        'web-1',
        { labels: { 'kubernetes.io/service-name': 'web' } },
        { addressType: 'IPv4', ports, endpoints },
      ),
    ]) {
      await applyObject(server.url, object);
    }
    const announcement = '/apis/heraldlb.io/v1beta1/namespaces/default/announcements/web';
    await until('an address for each Service', async () => (await hasAddress('web')) && hasAddress('kept'), refused);
    await until('an Announcement', async () => (await read(server, announcement)) !== undefined, refused);
    await until('a status with the excluded node', () => mine().used.has('patch announcements/status'), refused);
    // The second time that a Service is given the same address, the event of the first is counted up.
    await applyObject(server.url, service('web', 'ClusterIP'));
    await until('no address', async () => !(await hasAddress('web')), refused);
    await applyObject(server.url, service('web'));
    await until('an event counted up', () => mine().used.has('patch events'), refused);
    await fetch(`${server.url}/api/v1/namespaces/default/services/kept`, { method: 'DELETE' });
    await until('a reservation of what the deleted Service held', () => mine().used.has('create ipreservations'), refused);
    await applyObject(server.url, service('web', 'ClusterIP'));
    await until('no Announcement', async () => (await read(server, announcement)) === undefined, refused);

    const unused = () => [...granted(objects, 'herald-controller')].filter(permission => !mine().used.has(permission));
    await until(
      'a use of every permission',
      () => unused().length === 0,
      () => `(granted and never used: ${unused().join(', ')})`,
    );
    expect([...mine().refused]).toEqual([]);
    stop.abort();
    await running;
    expect(await withoutEach(server, objects, 'herald-controller')).toEqual({
      tried: granted(objects, 'herald-controller').size,
      needless: [],
      kept: true,
    });
  });

  it('let no speaker read or write what it need not', async () => {
    const token = await tokenOf(server, 'herald-speaker');
    const answer = async (method: string, path: string): Promise<number> => {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const headers = { authorization: `Bearer ${token}`, 'content-type': type };
      return (await fetch(server.url + path, { method, headers, ...(method === 'GET' ? {} : { body: '{}' }) })).status;
    };
    const own = `/apis/heraldlb.io/v1beta1/namespaces/${namespace}`;
    expect(await answer('GET', '/apis/heraldlb.io/v1beta1/announcements')).toBe(200);
    expect(await answer('GET', `${own}/bgppeers`)).toBe(200);
    for (const path of ['/api/v1/namespaces/default', '/api/v1/services', '/api/v1/namespaces/default/secrets', '/api/v1/secrets']) {
      expect(await answer('GET', path), path).toBe(403);
    }
    for (const path of [
      '/apis/heraldlb.io/v1beta1/namespaces/default/announcements/web',
      '/api/v1/namespaces/default/services/web/status',
      `${own}/ipaddresspools/lan`,
    ]) {
      expect(await answer('PATCH', path), path).toBe(403);
    }
    expect(await answer('POST', `${own}/ipaddresspools`)).toBe(403);
  });

  it('of the roles that view and admin are made of: the kinds for reading, and the configuration for writing', async () => {
    const roles = objects.filter(({ kind, metadata }) => kind === 'ClusterRole' && /-(view|admin)$/.test(metadata.name));
    const labels = roles.map(({ metadata }) => (metadata as { labels?: Record<string, string> }).labels);
    expect(labels).toEqual([
      expect.objectContaining({ 'rbac.authorization.k8s.io/aggregate-to-view': 'true' }),
      expect.objectContaining({ 'rbac.authorization.k8s.io/aggregate-to-admin': 'true' }),
    ]);
    for (const account of ['view', 'admin']) {
      await createObject(server.url, manifest('v1', 'ServiceAccount', account, { namespace }));
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `herald-${account}` };
      const subjects = [{ kind: 'ServiceAccount', name: account, namespace }];
      const binding = manifest('rbac.authorization.k8s.io/v1', 'RoleBinding', account, { namespace }, { roleRef, subjects });
      await createObject(server.url, binding);
    }
    const read = ['get', 'list', 'watch'];
    const write = ['create', 'update', 'patch', 'delete', 'deletecollection'];
    for (const { plural } of kinds.filter(({ namespaced }) => namespaced)) {
      expect(await allowed(server, 'view', [...read, ...write], plural), plural).toEqual(read);
      // Announcements are Herald's alone.
      expect(await allowed(server, 'admin', [...read, ...write], plural), plural).toEqual(plural === 'announcements' ? [] : write);
      expect(await allowed(server, 'admin', write, plural, 'default'), plural).toEqual([]);
    }
  });

  it('come from the roles alone: another account can do nothing', async () => {
    await createObject(server.url, manifest('v1', 'ServiceAccount', 'nobody', { namespace }));
    const token = await tokenOf(server, 'nobody');
    const answer = await fetch(`${server.url}/api/v1/services`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(403);
  });
});
