import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../index.ts';
import { TestClient } from '../testing/client.ts';
import { covers, type PolicyRule } from './rbac.ts';

const rule = (rest: Partial<PolicyRule>): PolicyRule => ({
  verbs: [],
  apiGroups: [],
  resources: [],
  resourceNames: [],
  nonResourceURLs: [],
  ...rest,
});
const asks = {
  user: { name: 'u', groups: [] },
  verb: 'get',
  isResource: true,
  path: '',
  namespace: 'ns',
  group: '',
  resource: 'pods',
  subresource: '',
  name: 'p',
};

describe('a rule', () => {
  it.each([
    ['covers what it names', rule({ verbs: ['get'], apiGroups: [''], resources: ['pods'] }), asks, true],
    ['of another group does not', rule({ verbs: ['get'], apiGroups: ['apps'], resources: ['pods'] }), asks, false],
    ['of another verb does not', rule({ verbs: ['list'], apiGroups: [''], resources: ['pods'] }), asks, false],
    ['with stars covers everything', rule({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }), { ...asks, subresource: 'status' }, true],
    [
      'for a kind does not cover its status',
      rule({ verbs: ['get'], apiGroups: [''], resources: ['pods'] }),
      { ...asks, subresource: 'status' },
      false,
    ],
    [
      'for a status covers it',
      rule({ verbs: ['get'], apiGroups: [''], resources: ['pods/status'] }),
      { ...asks, subresource: 'status' },
      true,
    ],
    [
      'for any status covers it',
      rule({ verbs: ['get'], apiGroups: [''], resources: ['*/status'] }),
      { ...asks, subresource: 'status' },
      true,
    ],
    ['for names covers only them', rule({ verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['q'] }), asks, false],
    [
      'for URLs covers what begins so',
      rule({ verbs: ['get'], nonResourceURLs: ['/metrics/*'] }),
      { ...asks, isResource: false, path: '/metrics/a' },
      true,
    ],
  ])('%s', (_what, policy, attributes, expected) => {
    expect(covers(policy, attributes)).toBe(expected);
  });
});

describe('a ServiceAccount', () => {
  let server: ApiServer;
  let admin: TestClient;
  const RBAC = '/apis/rbac.authorization.k8s.io/v1';

  beforeAll(async () => {
    server = await startApiServer();
    admin = new TestClient(server);
    await admin.send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'robot' } });
  });

  afterAll(() => server.close());

  it('has no right until a binding gives it, and none after the binding goes', async () => {
    const robot = new TestClient(server, { authorization: `Bearer ${server.serviceAccountToken('default', 'robot')}` });
    expect((await robot.get('/api/v1/namespaces/default/services')).status).toBe(403);
    const rules = [{ apiGroups: [''], resources: ['services'], verbs: ['list'] }];
    await admin.send('POST', `${RBAC}/clusterroles`, { metadata: { name: 'lister' }, rules });
    const subjects = [{ kind: 'ServiceAccount', name: 'robot', namespace: 'default' }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'lister' };
    await admin.send('POST', `${RBAC}/namespaces/default/rolebindings`, { metadata: { name: 'robot' }, subjects, roleRef });
    expect((await robot.get('/api/v1/namespaces/default/services')).status).toBe(200);
    expect((await robot.get('/api/v1/services')).status).toBe(403);
    expect((await robot.send('DELETE', '/api/v1/namespaces/default/services/kubernetes')).status).toBe(403);
    await admin.send('DELETE', `${RBAC}/namespaces/default/rolebindings/robot`);
    expect((await robot.get('/api/v1/namespaces/default/services')).status).toBe(403);
  });

  it('grants nothing that it does not have', async () => {
    await admin.send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'granter' } });
    const subjects = [{ kind: 'ServiceAccount', name: 'granter', namespace: 'default' }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'granter' };
    const own = [
      { apiGroups: ['rbac.authorization.k8s.io'], resources: ['*'], verbs: ['create'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
    ];
    await admin.send('POST', `${RBAC}/clusterroles`, { metadata: { name: 'granter' }, rules: own });
    await admin.send('POST', `${RBAC}/clusterrolebindings`, { metadata: { name: 'granter' }, subjects, roleRef });
    const granter = new TestClient(server, { authorization: `Bearer ${server.serviceAccountToken('default', 'granter')}` });
    const grant = (name: string, resources: string[], verbs: string[]): Promise<{ status: number }> =>
      granter.send('POST', `${RBAC}/clusterroles`, { metadata: { name }, rules: [{ apiGroups: [''], resources, verbs }] });
    expect((await grant('less', ['pods'], ['get'])).status).toBe(201);
    expect((await grant('more', ['pods'], ['get', 'delete'])).status).toBe(403);
    expect((await grant('other', ['secrets'], ['get'])).status).toBe(403);
    const admins = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' };
    expect(
      (await granter.send('POST', `${RBAC}/clusterrolebindings`, { metadata: { name: 'up' }, subjects, roleRef: admins })).status,
    ).toBe(403);
  });

  it('is refused when it is gone, and with a token that is not ours', async () => {
    const token = server.serviceAccountToken('default', 'robot');
    const ask = (authorization: string): Promise<number> =>
      new TestClient(server, { authorization }).get('/version').then(({ status }) => status);
    expect(await ask(`Bearer ${token}`)).toBe(200);
    expect(await ask(`Bearer ${token.slice(0, -4)}AAAA`)).toBe(401);
    expect(await ask('Basic abc')).toBe(401);
    await admin.send('DELETE', '/api/v1/namespaces/default/serviceaccounts/robot');
    expect(await ask(`Bearer ${token}`)).toBe(401);
  });
});
