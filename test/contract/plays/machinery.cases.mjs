// What every kind shares: server-side apply, lists, watches, tables, dry run, errors, discovery.
const P = '/api/v1/namespaces/${ns}/configmaps',
  S = '/api/v1/namespaces/${ns}/services';
const cm = (name, data, meta = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...meta }, data });
const merge = { 'content-type': 'application/merge-patch+json' },
  apply = { 'content-type': 'application/apply-patch+yaml' };
const three = ['a', 'b', 'c'].map((n, i) => ({
  method: 'POST',
  path: P,
  body: cm(n, { k: n }, { labels: { app: i < 2 ? 'x' : 'y', n: String(i) } }),
  silent: true,
}));
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' },
  META = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json' };
const lb = name => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { type: 'LoadBalancer', selector: { app: 'a' }, ports: [{ port: 80 }] },
});

export default [
  {
    name: 'apply/create',
    steps: [{ method: 'PATCH', path: `${P}/a?fieldManager=one`, headers: apply, body: cm('a', { k: '1' }, { labels: { l: 'x' } }) }],
  },
  {
    name: 'apply/no-manager',
    desc: 'fieldManager is required',
    steps: [{ method: 'PATCH', path: `${P}/a`, headers: apply, body: cm('a', { k: '1' }) }],
  },
  {
    name: 'apply/conflict',
    desc: 'two managers, one field',
    steps: [
      { method: 'PATCH', path: `${P}/a?fieldManager=one`, headers: apply, body: cm('a', { k: '1', j: '1' }), silent: true },
      { method: 'PATCH', path: `${P}/a?fieldManager=two`, headers: apply, body: cm('a', { k: '2', m: '2' }) },
      { path: `${P}/a`, pick: ['data'] },
      { method: 'PATCH', path: `${P}/a?fieldManager=two&force=true`, headers: apply, body: cm('a', { k: '2', m: '2' }) },
      { method: 'PATCH', path: `${P}/a?fieldManager=one`, headers: apply, body: cm('a', { j: '1' }) },
      { method: 'PATCH', path: `${P}/a?fieldManager=one`, headers: apply, body: cm('a', {}) },
    ],
  },
  {
    name: 'apply/shared',
    desc: 'two managers with the same value',
    steps: [
      { method: 'PATCH', path: `${P}/a?fieldManager=one`, headers: apply, body: cm('a', { k: '1' }), silent: true },
      { method: 'PATCH', path: `${P}/a?fieldManager=two`, headers: apply, body: cm('a', { k: '1' }) },
      { method: 'PATCH', path: `${P}/a?fieldManager=one`, headers: apply, body: cm('a', undefined) },
      { method: 'PATCH', path: `${P}/a?fieldManager=two`, headers: apply, body: cm('a', undefined) },
    ],
  },
  {
    name: 'apply/update-then-apply',
    desc: 'an update takes ownership',
    steps: [
      { method: 'POST', path: `${P}?fieldManager=maker`, body: cm('a', { k: '1' }) },
      { method: 'PATCH', path: `${P}/a?fieldManager=patcher`, headers: merge, body: { data: { k: '2', x: '9' } } },
      { method: 'PATCH', path: `${P}/a?fieldManager=one`, headers: apply, body: cm('a', { k: '3' }) },
    ],
  },
  {
    name: 'apply/managed-fields-in-body',
    desc: 'refused',
    steps: [
      {
        method: 'PATCH',
        path: `${P}/a?fieldManager=one`,
        headers: apply,
        body: cm('a', { k: '1' }, { managedFields: [{ manager: 'x', operation: 'Apply', apiVersion: 'v1' }] }),
      },
    ],
  },
  { name: 'apply/name-mismatch', steps: [{ method: 'PATCH', path: `${P}/a?fieldManager=one`, headers: apply, body: cm('b', { k: '1' }) }] },
  {
    name: 'apply/service-ports',
    desc: 'ports are a map by port and protocol',
    steps: [
      {
        method: 'PATCH',
        path: `${S}/s?fieldManager=one`,
        headers: apply,
        body: {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 's' },
          spec: { selector: { a: 'b' }, ports: [{ name: 'a', port: 80, protocol: 'TCP' }] },
        },
      },
      {
        method: 'PATCH',
        path: `${S}/s?fieldManager=two`,
        headers: apply,
        body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ name: 'b', port: 81, protocol: 'TCP' }] } },
      },
      {
        method: 'PATCH',
        path: `${S}/s?fieldManager=one`,
        headers: apply,
        body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { selector: { a: 'b' } } },
      },
    ],
  },
  {
    name: 'apply/status-two-managers',
    desc: 'conditions merge by type; ingress is atomic',
    steps: [
      { method: 'POST', path: S, body: lb('s'), silent: true },
      {
        method: 'PATCH',
        path: `${S}/s/status?fieldManager=alloc`,
        headers: apply,
        body: {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 's' },
          status: {
            loadBalancer: { ingress: [{ ip: '192.0.2.1' }] },
            conditions: [{ type: 'e.com/A', status: 'True', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }],
          },
        },
      },
      {
        method: 'PATCH',
        path: `${S}/s/status?fieldManager=ann`,
        headers: apply,
        body: {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 's' },
          status: {
            conditions: [{ type: 'e.com/B', status: 'False', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }],
          },
        },
      },
      {
        method: 'PATCH',
        path: `${S}/s/status?fieldManager=ann`,
        headers: apply,
        body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, status: { loadBalancer: { ingress: [{ ip: '192.0.2.2' }] } } },
      },
      {
        method: 'PATCH',
        path: `${S}/s/status?fieldManager=alloc`,
        headers: apply,
        body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, status: {} },
      },
    ],
  },
  {
    name: 'managed-fields/after-status-patch',
    steps: [
      { method: 'POST', path: `${S}?fieldManager=me`, body: lb('s'), pick: ['metadata.managedFields'] },
      {
        method: 'PATCH',
        path: `${S}/s/status?fieldManager=lb`,
        headers: merge,
        body: { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } },
        pick: ['metadata.managedFields'],
      },
    ],
  },

  {
    name: 'list/labels',
    steps: [
      ...three,
      ...[
        'app=x',
        'app==x',
        'app!=x',
        'app in (x,y)',
        'app notin (x)',
        'app',
        '!app',
        'app=x,n=1',
        'app=',
        'app=x,,',
        'in in (a)',
        'n>0',
        'n>x',
      ].map(s => ({
        path: `${P}?labelSelector=${encodeURIComponent(s)}`,
        pick: ['items.length', 'items.0.metadata.name', 'message', 'code'],
      })),
    ],
  },
  {
    name: 'list/fields',
    steps: [
      ...three,
      ...[
        'metadata.name=a',
        'metadata.name!=a',
        'metadata.namespace=${ns}',
        'data.k=a',
        'metadata.name',
        'metadata.name=a,metadata.namespace=zz',
      ].map(s => ({
        path: `${P}?fieldSelector=${s.replaceAll('=', '%3D')}`,
        pick: ['items.length', 'items.0.metadata.name', 'message', 'code'],
      })),
    ],
  },
  {
    name: 'list/pages',
    steps: [
      ...three,
      {
        path: `${P}?limit=2`,
        save: 'one',
        pick: ['items.length', 'metadata.remainingItemCount', 'items.0.metadata.name', 'items.1.metadata.name', 'kind'],
      },
      {
        path: `${P}?limit=2&continue=\${one.metadata.continue}`,
        pick: ['items.length', 'metadata.continue', 'items.0.metadata.name', 'items.1.metadata.name'],
      },
      { path: `${P}?limit=2&continue=nonsense` },
      { path: `${P}?limit=-1`, pick: ['kind', 'message', 'code', 'items.length'] },
    ],
  },
  {
    name: 'list/rv',
    steps: [
      ...three,
      ...[
        'resourceVersion=0',
        'resourceVersion=nope',
        'resourceVersion=0&resourceVersionMatch=NotOlderThan',
        'resourceVersionMatch=Exact',
        'resourceVersion=0&resourceVersionMatch=Exact',
        'resourceVersion=1&resourceVersionMatch=Sometimes',
      ].map(q => ({ path: `${P}?${q}`, pick: ['kind', 'message', 'code', 'reason'] })),
    ],
  },
  {
    name: 'list/shape',
    desc: 'items carry no kind; list metadata',
    steps: [...three, { path: P }, { path: '/api/v1/namespaces/does-not-exist/configmaps' }],
  },
  {
    name: 'table/configmaps',
    steps: [
      ...three,
      { path: P, headers: TABLE },
      { path: `${P}/a`, headers: TABLE },
      { path: `${P}?includeObject=None`, headers: TABLE, pick: ['rows.0.object', 'rows.0.cells.0'] },
      { path: `${P}?includeObject=Object`, headers: TABLE, pick: ['rows.0.object.kind', 'rows.0.object.data'] },
      { path: P, headers: META, pick: ['kind', 'items.0'] },
    ],
  },
  {
    name: 'table/services',
    steps: [
      { method: 'POST', path: S, body: lb('s'), silent: true },
      {
        method: 'PATCH',
        path: `${S}/s/status`,
        headers: merge,
        body: { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }] } } },
        silent: true,
      },
      { path: S, headers: TABLE },
    ],
  },
  ...[
    ['nodes', '/api/v1/nodes'],
    ['pods', '/api/v1/namespaces/${ns}/pods'],
    ['endpointslices', '/apis/discovery.k8s.io/v1/namespaces/${ns}/endpointslices'],
    ['events', '/api/v1/namespaces/${ns}/events'],
    ['leases', '/apis/coordination.k8s.io/v1/namespaces/${ns}/leases'],
    ['secrets', '/api/v1/namespaces/${ns}/secrets'],
    ['daemonsets', '/apis/apps/v1/namespaces/${ns}/daemonsets'],
    ['deployments', '/apis/apps/v1/namespaces/${ns}/deployments'],
    ['crds', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'],
    ['namespaces', '/api/v1/namespaces'],
  ].map(([n, p]) => ({ name: `table/columns-${n}`, steps: [{ path: p, headers: TABLE, pick: ['kind', 'columnDefinitions'] }] })),

  {
    name: 'watch/from-list',
    desc: 'changes after a list, until the time is up',
    steps: [
      ...three,
      { path: P, save: 'list', silent: true },
      { method: 'PATCH', path: `${P}/a`, headers: merge, body: { data: { k: 'new' } }, silent: true },
      { method: 'DELETE', path: `${P}/b`, silent: true },
      { method: 'POST', path: P, body: cm('d', { k: 'd' }), silent: true },
      {
        path: `${P}?watch=1&resourceVersion=\${list.metadata.resourceVersion}&timeoutSeconds=2`,
        ignore: ['body.object.metadata.managedFields'],
      },
    ],
  },
  {
    name: 'watch/selector',
    desc: 'entering and leaving a selector',
    steps: [
      ...three,
      { path: P, save: 'list', silent: true },
      { method: 'PATCH', path: `${P}/a`, headers: merge, body: { metadata: { labels: { app: 'z' } } }, silent: true },
      { method: 'PATCH', path: `${P}/c`, headers: merge, body: { metadata: { labels: { app: 'x' } } }, silent: true },
      {
        path: `${P}?watch=1&labelSelector=app%3Dx&resourceVersion=\${list.metadata.resourceVersion}&timeoutSeconds=2`,
        ignore: ['body.object.metadata.managedFields'],
      },
    ],
  },
  {
    name: 'watch/from-zero',
    steps: [
      ...three,
      {
        path: `${P}?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Da&timeoutSeconds=2`,
        ignore: ['body.object.metadata.managedFields'],
      },
      { path: `${P}?watch=1&fieldSelector=metadata.name%3Da&timeoutSeconds=2`, ignore: ['body.object.metadata.managedFields'] },
    ],
  },
  {
    name: 'watch/initial-events',
    desc: 'sendInitialEvents ends with an annotated bookmark',
    steps: [
      ...three,
      {
        path: `${P}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3Da&timeoutSeconds=2`,
        ignore: ['body.object.metadata.managedFields'],
      },
      { path: `${P}?watch=1&sendInitialEvents=true&timeoutSeconds=2` },
    ],
  },
  {
    name: 'watch/table',
    steps: [
      ...three,
      {
        path: `${P}?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Da&timeoutSeconds=2`,
        headers: TABLE,
        ignore: ['body.object.rows'],
      },
    ],
  },
  {
    name: 'watch/expired',
    desc: 'a version from before time',
    steps: [
      { path: `${P}?watch=1&resourceVersion=1&timeoutSeconds=2`, pick: ['code'] },
      { path: `${P}?watch=1&resourceVersion=bad&timeoutSeconds=2` },
    ],
  },
  {
    name: 'watch/partial-metadata',
    steps: [
      ...three,
      {
        path: `${P}?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Da&timeoutSeconds=2`,
        headers: { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json' },
        ignore: ['body.object.metadata.managedFields'],
      },
    ],
  },

  {
    name: 'dry-run/create',
    steps: [
      { method: 'POST', path: `${P}?dryRun=All`, body: cm('a', { k: '1' }) },
      { path: `${P}/a`, pick: ['code'] },
      { method: 'POST', path: `${P}?dryRun=Some`, body: cm('a', { k: '1' }) },
    ],
  },
  {
    name: 'strict/unknown',
    desc: 'fieldValidation',
    steps: ['Strict', 'Warn', 'Ignore', 'Wrong'].map(v => ({
      method: 'POST',
      path: `${S}?fieldValidation=${v}`,
      body: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { generateName: 'gen-' },
        spec: { selektor: { a: 'b' }, ports: [{ port: 80, prot: 'x' }] },
      },
    })),
  },
  {
    name: 'strict/duplicate-key',
    steps: [
      {
        method: 'POST',
        path: `${P}?fieldValidation=Strict`,
        body: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"1","k":"2"}}',
      },
    ],
  },
  {
    name: 'errors/body',
    steps: [
      { method: 'POST', path: P, body: '{"apiVersion":"v1",' },
      { method: 'POST', path: P, body: {} },
      { method: 'POST', path: P, body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } } },
      { method: 'POST', path: P, body: { apiVersion: 'v2', kind: 'ConfigMap', metadata: { name: 'x' } } },
      { method: 'POST', path: P, body: cm('x', { k: 1 }) },
      { method: 'POST', path: P, body: cm('x', {}, { namespace: 'elsewhere' }) },
      { method: 'POST', path: P, body: cm('x', {}, { resourceVersion: '5' }) },
      { method: 'POST', path: P, body: cm(undefined, {}) },
    ],
  },
  {
    name: 'errors/media',
    steps: [
      { method: 'POST', path: P, headers: { 'content-type': 'text/plain' }, body: 'hello' },
      { path: P, headers: { accept: 'text/csv' } },
      {
        method: 'POST',
        path: P,
        headers: { 'content-type': 'application/yaml' },
        body: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\n',
        pick: ['metadata.name', 'kind'],
      },
    ],
  },
  {
    name: 'errors/paths',
    steps: [
      { path: '/api/v1/namespaces/${ns}/nothings' },
      { path: '/apis/nothing.example.com/v1/things' },
      { path: '/nowhere' },
      { method: 'POST', path: `${P}/a`, body: cm('a', {}) },
      { method: 'PUT', path: P, body: cm('a', {}) },
      { method: 'DELETE', path: '/api/v1/nodes/nope' },
      { method: 'POST', path: '/api/v1/namespaces/not-there/configmaps', body: cm('a', {}) },
    ],
  },
  {
    name: 'errors/no-kind',
    desc: 'kind and apiVersion missing from a typed create',
    steps: [{ method: 'POST', path: P, body: { metadata: { name: 'a' }, data: { k: 'v' } } }],
  },

  {
    name: 'discovery/core',
    steps: [
      { path: '/api/v1', pick: ['kind', 'groupVersion'] },
      { path: '/apis/discovery.k8s.io/v1' },
      { path: '/apis/coordination.k8s.io/v1', pick: ['kind', 'groupVersion', 'resources.0.name', 'resources.0.verbs'] },
      { path: '/apis/no.such/v1' },
    ],
  },
  {
    name: 'discovery/core-services',
    steps: [
      { path: '/api/v1', save: 'd', silent: true },
      { path: '/api', pick: ['kind', 'versions'] },
    ],
  },
  { name: 'version', steps: [{ path: '/livez' }, { path: '/readyz' }, { path: '/healthz' }] },
];
