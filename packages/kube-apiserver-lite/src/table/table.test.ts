import { describe, expect, it } from 'vitest';
import { type Json, type JsonObject, show } from '../schema/json.ts';
import { builtinTable, customTable, humanDuration, parseJsonPath, toTable } from './index.ts';

const now = new Date('2026-01-02T00:00:00Z');
const row = (kind: string, object: JsonObject, group = ''): string => {
  const table = builtinTable({ group, version: 'v1', kind });
  const cells = table.cells(object, now);
  return table.columns.map((c, i) => `${c.name}${c.priority ? '*' : ''}=${show(cells[i])}`).join(' | ');
};
const meta: JsonObject = { name: 'x', creationTimestamp: '2026-01-01T00:00:00Z' };

describe('built-in tables', () => {
  const table: [string, string, JsonObject, string][] = [
    [
      'Service',
      '',
      {
        metadata: meta,
        spec: {
          type: 'LoadBalancer',
          clusterIPs: ['10.0.0.1'],
          ports: [
            { port: 80, nodePort: 30080, protocol: 'TCP' },
            { port: 53, protocol: 'UDP' },
          ],
          selector: { b: '2', a: '1' },
        },
      },
      'Name=x | Type=LoadBalancer | Cluster-IP=10.0.0.1 | External-IP=<pending> | Port(s)=80:30080/TCP,53/UDP | Age=24h | Selector*=a=1,b=2',
    ],
    [
      'Service',
      '',
      { metadata: meta, spec: { type: 'ExternalName', externalName: 'a.example.com' } },
      'Name=x | Type=ExternalName | Cluster-IP=<none> | External-IP=a.example.com | Port(s)=<none> | Age=24h | Selector*=<none>',
    ],
    [
      'Node',
      '',
      {
        metadata: { ...meta, labels: { 'node-role.kubernetes.io/worker': '' } },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
          nodeInfo: { kubeletVersion: 'v1.36.2' },
        },
      },
      'Name=x | Status=Ready,SchedulingDisabled | Roles=worker | Age=24h | Version=v1.36.2 | Internal-IP*=192.0.2.1 | External-IP*=<none> | OS-Image*=<unknown> | Kernel-Version*=<unknown> | Container-Runtime*=<unknown>',
    ],
    [
      'Pod',
      '',
      {
        metadata: meta,
        spec: { nodeName: 'n', containers: [{ name: 'a' }, { name: 'b' }] },
        status: {
          phase: 'Running',
          podIPs: [{ ip: '10.1.1.1' }],
          containerStatuses: [
            {
              name: 'a',
              ready: true,
              restartCount: 2,
              state: { running: {} },
              lastState: { terminated: { finishedAt: '2026-01-01T23:00:00Z' } },
            },
            { name: 'b', restartCount: 0, state: { waiting: { reason: 'CrashLoopBackOff' } } },
          ],
        },
      },
      'Name=x | Ready=1/2 | Status=CrashLoopBackOff | Restarts=2 (60m ago) | Age=24h | IP*=10.1.1.1 | Node*=n | Nominated Node*=<none> | Readiness Gates*=<none>',
    ],
    [
      'EndpointSlice',
      'discovery.k8s.io',
      {
        metadata: meta,
        addressType: 'IPv4',
        ports: [{ port: 80 }],
        endpoints: [{ addresses: ['1.1.1.1', '1.1.1.2'] }, { addresses: ['1.1.1.3'] }, { addresses: ['1.1.1.4'] }],
      },
      'Name=x | AddressType=IPv4 | Ports=80 | Endpoints=1.1.1.1,1.1.1.2,1.1.1.3 + 1 more... | Age=24h',
    ],
    [
      'Deployment',
      'apps',
      {
        metadata: meta,
        spec: { replicas: 2, selector: { matchLabels: { a: 'b' } }, template: { spec: { containers: [{ name: 'c', image: 'i:1' }] } } },
        status: { readyReplicas: 1 },
      },
      'Name=x | Ready=1/2 | Up-to-date=0 | Available=0 | Age=24h | Containers*=c | Images*=i:1 | Selector*=a=b',
    ],
    ['Secret', '', { metadata: meta, type: 'Opaque', data: { a: '', b: '' } }, 'Name=x | Type=Opaque | Data=2 | Age=24h'],
    ['Lease', 'coordination.k8s.io', { metadata: meta, spec: { holderIdentity: 'h' } }, 'Name=x | Holder=h | Age=24h'],
    ['Role', 'rbac.authorization.k8s.io', { metadata: meta }, 'Name=x | Created At=2026-01-01T00:00:00Z'],
    ['Unheard', 'example.com', { metadata: meta }, 'Name=x | Created At=2026-01-01T00:00:00Z'],
  ];
  it.each(table)('%s of group "%s"', (kind, group, object, expected) => {
    expect(row(kind, object, group)).toBe(expected);
  });

  it('document their columns with the fields behind them', () => {
    const [, , , , ports] = builtinTable({ group: '', version: 'v1', kind: 'Service' }).columns;
    expect(ports?.description).toMatch(/^The list of ports that are exposed by this service\./);
    for (const kind of ['Service', 'Pod', 'Node', 'Event'])
      for (const c of builtinTable({ group: '', version: 'v1', kind }).columns) expect(c.description, `${kind} ${c.name}`).not.toBe('');
  });
});

describe('tables of custom resources', () => {
  const object: JsonObject = {
    metadata: meta,
    spec: { list: ['a', 'b'], n: 3, on: true, at: '2026-01-01T23:58:00Z' },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
  const cell = (type: string, jsonPath: string): Json | undefined => customTable([{ name: 'X', type, jsonPath }]).cells(object, now)[1];
  it.each([
    ['string', '.spec.list', '["a","b"]'],
    ['string', '.spec.list[0]', 'a'],
    ['string', '.spec.list[*]', 'a b'],
    ['string', '.status.conditions[?(@.type=="Ready")].status', 'True'],
    ['string', '.spec.none', null],
    ['integer', '.spec.n', 3],
    ['boolean', '.spec.on', true],
    ['date', '.spec.at', '2m'],
    ['integer', '.spec.on', null],
  ])('%s %s', (type, path, expected) => {
    expect(cell(type, path)).toEqual(expected);
  });

  it('show name and age when nothing is said', () => {
    expect(customTable(undefined).cells(object, now)).toEqual(['x', '24h']);
  });

  it('carry metadata, the object or nothing', () => {
    const of = (includeObject: string) =>
      ((toTable(customTable([]), [object], {}, { now, includeObject }).rows as JsonObject[])[0] as JsonObject).object;
    expect(of('')).toEqual({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: meta });
    expect(of('Object')).toBe(object);
    expect(of('None')).toBeNull();
  });
});

describe('JSONPath', () => {
  const data: Json = {
    a: [
      { b: 1, k: 'x' },
      { b: 2, k: 'y' },
    ],
    'd.e': { f: 9 },
  };
  it.each<[string, Json[] | undefined]>([
    ['.a[*].b', [1, 2]],
    ['.a[-1].b', [2]],
    ['.a[0:1].b', [1]],
    ['{.a[?(@.b>1)].k}', ['y']],
    ['.d\\.e.f', [9]],
    ["['d.e'].f", [9]],
    ['..f', [9]],
    ['.a[0', undefined],
  ])('%s', (path, expected) => {
    expect(parseJsonPath(path)?.find(data)).toEqual(expected);
  });
});

describe('humanDuration', () => {
  it.each([
    [-5, '<invalid>'],
    [0, '0s'],
    [119, '119s'],
    [121, '2m1s'],
    [600, '10m'],
    [3600 * 3, '3h'],
    [3600 * 7 + 60, '7h1m'],
    [3600 * 47, '47h'],
    [3600 * 50, '2d2h'],
    [86400 * 9, '9d'],
    [86400 * 800, '2y70d'],
  ])('%d s is %s', (seconds, expected) => {
    expect(humanDuration(seconds * 1000)).toBe(expected);
  });
});
