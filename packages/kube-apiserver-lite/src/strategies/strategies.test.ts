import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../index.ts';
import { TestClient } from '../testing/client.ts';

const NS = '/namespaces/default';
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } };
const once = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'nginx:1' }] } };
let server: ApiServer;
let client: TestClient;

beforeAll(async () => {
  server = await startApiServer({ controllers: { all: false } });
  client = new TestClient(server);
});

afterAll(() => server.close());

describe('what the server adds to an object', () => {
  it.each<[string, string, object, object]>([
    [
      'a Secret: data out of stringData',
      `/api/v1${NS}/secrets`,
      { metadata: { name: 'a' }, stringData: { k: 'v' } },
      { type: 'Opaque', data: { k: 'dg==' } },
    ],
    [
      'a Node: the first CIDR in both fields, and the taint of one that is not ready',
      '/api/v1/nodes',
      { metadata: { name: 'n' }, spec: { podCIDRs: ['10.1.0.0/24'] } },
      { spec: { podCIDR: '10.1.0.0/24', taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] } },
    ],
    [
      'a Pod: the account, the priority, what it tolerates, its class',
      `/api/v1${NS}/pods`,
      { metadata: { name: 'p' }, spec: template.spec },
      {
        spec: { serviceAccountName: 'default', priority: 0, containers: [{ imagePullPolicy: 'Always' }] },
        status: { phase: 'Pending', qosClass: 'BestEffort' },
      },
    ],
    [
      'a Deployment: how it rolls out',
      `/apis/apps/v1${NS}/deployments`,
      { metadata: { name: 'd' }, spec: { selector: { matchLabels: { app: 'a' } }, template } },
      { spec: { replicas: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } } } },
    ],
    [
      'a Job: a selector of its own',
      `/apis/batch/v1${NS}/jobs`,
      { metadata: { name: 'j' }, spec: { template: once } },
      { spec: { selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': expect.any(String) as string } }, backoffLimit: 6 } },
    ],
    [
      'a ReplicationController: selector and labels of its template',
      `/api/v1${NS}/replicationcontrollers`,
      { metadata: { name: 'r' }, spec: { template } },
      { metadata: { labels: { app: 'a' } }, spec: { replicas: 1, selector: { app: 'a' } } },
    ],
    [
      'an autoscaler: at least one replica, by processor use',
      `/apis/autoscaling/v2${NS}/horizontalpodautoscalers`,
      { metadata: { name: 'h' }, spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } } },
      { spec: { minReplicas: 1, metrics: [{ type: 'Resource' }] } },
    ],
  ])('%s', async (_what, path, object, expected) => {
    const { status, body } = await client.send('POST', path, object);
    expect([status, body]).toMatchObject([201, expected]);
  });

  it('keeps an Event in one store under both spellings', async () => {
    const eventTime = '2026-01-01T00:00:00.000000Z';
    const regarding = { apiVersion: 'v1', kind: 'Service', name: 's', namespace: 'default' };
    const event = { metadata: { name: 'e' }, regarding, note: 'text', reason: 'R', action: 'A', type: 'Normal', eventTime };
    const sender = { reportingController: 'example.com/c', reportingInstance: 'c-1' };
    expect((await client.send('POST', `/apis/events.k8s.io/v1${NS}/events`, { ...event, ...sender })).status).toBe(201);
    expect((await client.get(`/api/v1${NS}/events/e`)).body).toMatchObject({
      apiVersion: 'v1',
      involvedObject: regarding,
      message: 'text',
    });
    expect((await client.get(`/apis/events.k8s.io/v1${NS}/events/e`)).body).toMatchObject({ apiVersion: 'events.k8s.io/v1', note: 'text' });
  });

  it('lets nobody call a Namespace Terminating that is not being deleted', async () => {
    await client.send('POST', '/api/v1/namespaces', { metadata: { name: 'alive' } });
    const { status, body } = await client.merge('/api/v1/namespaces/alive/status', { status: { phase: 'Terminating' } });
    expect([status, body['message']]).toEqual([
      422,
      'Namespace "alive" is invalid: status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty',
    ]);
  });

  it('says of every expression of a selector what is wrong with it', async () => {
    const selector = {
      matchExpressions: [
        { key: 'a', operator: 'In' },
        { key: 'b', operator: 'Like' },
      ],
    };
    const { body } = await client.send('POST', `/apis/apps/v1${NS}/deployments`, { metadata: { name: 's' }, spec: { selector, template } });
    expect((body['details'] as { causes: { field: string }[] }).causes.map(c => c.field)).toEqual([
      'spec.selector.matchExpressions[0].values',
      'spec.selector.matchExpressions[1].operator',
      'spec.selector',
    ]);
  });
});
