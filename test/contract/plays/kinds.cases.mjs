// Custom resources, and the other built-in kinds Herald and its tests use.
const NS = '/api/v1/namespaces/${ns}';
const merge = { 'content-type': 'application/merge-patch+json' },
  smp = { 'content-type': 'application/strategic-merge-patch+json' },
  apply = { 'content-type': 'application/apply-patch+yaml' };
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
/** A CRD whose group carries the run's name, so that cases never meet. */
const crd = (spec = {}, version = {}, kind = 'Pool') => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'pools.${run}.contract.test' },
  spec: {
    group: '${run}.contract.test',
    scope: 'Namespaced',
    names: { plural: 'pools', singular: 'pool', kind, shortNames: ['po${run}'], categories: ['contract'] },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, subresources: { status: {} }, ...version }],
    ...spec,
  },
});
const schema = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['addresses'],
      properties: {
        addresses: { type: 'array', minItems: 1, maxItems: 16, items: { type: 'string', maxLength: 90 } },
        autoAssign: { type: 'boolean', default: true },
        priority: { type: 'integer', minimum: 0, maximum: 100 },
        mode: { type: 'string', enum: ['A', 'B'], default: 'A' },
        port: { 'x-kubernetes-int-or-string': true },
        peers: {
          type: 'array',
          maxItems: 8,
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string', maxLength: 20 }, asn: { type: 'integer', format: 'int64' } },
          },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        },
      },
    },
    status: {
      type: 'object',
      properties: {
        assigned: { type: 'integer' },
        conditions: { type: 'array', items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    },
  },
};
const withRules = rules => ({
  ...schema,
  properties: { ...schema.properties, spec: { ...schema.properties.spec, 'x-kubernetes-validations': rules } },
});
const G = '/apis/${run}.contract.test/v1/namespaces/${ns}/pools';
const pool = (name, spec, extra = {}) => ({ apiVersion: '${run}.contract.test/v1', kind: 'Pool', metadata: { name }, spec, ...extra });
const after = [{ method: 'DELETE', path: `${CRDS}/pools.\${run}.contract.test` }];
const made = (c = crd()) => [
  { method: 'POST', path: CRDS, body: c, silent: true },
  { wait: 2500, path: '/livez', silent: true },
];
const cr = (name, desc, steps, c) => ({ name: `crd/${name}`, desc, steps: [...made(c), ...steps], after });
const refused = (name, desc, c) => ({ name: `crd/refused/${name}`, desc, steps: [{ method: 'POST', path: CRDS, body: c }], after });
const swap = s => crd({}, { schema: { openAPIV3Schema: s } });

export default [
  {
    name: 'crd/create',
    desc: 'defaults and conditions of a CRD',
    steps: [
      { method: 'POST', path: CRDS, body: crd() },
      {
        wait: 2500,
        path: `${CRDS}/pools.\${run}.contract.test`,
        pick: [
          'status.acceptedNames',
          'status.storedVersions',
          'status.conditions.0.type',
          'status.conditions.0.status',
          'status.conditions.0.reason',
          'status.conditions.1.type',
          'status.conditions.1.status',
          'status.conditions.1.reason',
        ],
      },
      { path: '/apis/${run}.contract.test/v1' },
      { path: '/apis/${run}.contract.test' },
    ],
    after,
  },
  refused('name', 'metadata.name must be plural.group', { ...crd(), metadata: { name: 'other.contract.test' } }),
  refused('no-schema', 'a schema is required', crd({}, { schema: undefined })),
  refused(
    'not-structural',
    'a property without a type',
    swap({ type: 'object', properties: { spec: { properties: { a: { type: 'string' } } } } }),
  ),
  refused(
    'anyof-type',
    'types inside anyOf',
    swap({
      type: 'object',
      properties: { spec: { type: 'object', properties: { a: { anyOf: [{ type: 'string' }, { type: 'integer' }] } } } },
    }),
  ),
  refused(
    'two-storage',
    'exactly one storage version',
    crd({
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } },
        { name: 'v2', served: true, storage: true, schema: { openAPIV3Schema: schema } },
      ],
    }),
  ),
  refused(
    'default-wrong-type',
    'a default that does not validate',
    swap({ type: 'object', properties: { spec: { type: 'object', properties: { n: { type: 'integer', default: 'x' } } } } }),
  ),
  refused('cel-syntax', 'a rule that does not parse', swap(withRules([{ rule: 'self.addresses.all(a, ' }]))),
  refused('cel-unknown-field', 'a rule on a field that is not there', swap(withRules([{ rule: 'self.nothing == 1' }]))),
  refused('cel-not-bool', 'a rule must be a bool', swap(withRules([{ rule: 'self.addresses.size()' }]))),
  refused(
    'cel-cost',
    'a rule over unbounded lists',
    swap({
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          properties: { a: { type: 'array', items: { type: 'string' } } },
          'x-kubernetes-validations': [{ rule: 'self.a.all(x, self.a.exists_one(y, x == y))' }],
        },
      },
    }),
  ),
  refused(
    'cel-message-cost',
    'string() of an unbounded number in a messageExpression costs too much',
    swap(
      withRules([
        { rule: '!has(self.priority) || self.priority < 20', messageExpression: "'priority ' + string(self.priority) + ' is too high'" },
      ]),
    ),
  ),
  refused(
    'list-map-key',
    'list-map key is no property',
    swap({
      type: 'object',
      properties: {
        l: {
          type: 'array',
          items: { type: 'object', properties: { a: { type: 'string' } } },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['b'],
        },
      },
    }),
  ),
  refused(
    'column-path',
    'a printer column without a JSON path',
    crd({}, { additionalPrinterColumns: [{ name: 'X', type: 'string', jsonPath: '' }] }),
  ),

  cr('cr/create', 'defaults, pruning, status dropped', [
    { method: 'POST', path: G, body: pool('a', { addresses: ['10.0.0.0/24'], extra: 1 }, { status: { assigned: 5 } }) },
    { path: `${G}/a` },
  ]),
  cr(
    'cr/strict',
    'unknown fields',
    ['Strict', 'Warn', 'Ignore'].map(v => ({
      method: 'POST',
      path: `${G}?fieldValidation=${v}`,
      body: { ...pool('x', { addresses: ['a'], extra: 1, peers: [{ name: 'p', as: 1 }] }), metadata: { generateName: 'gen-' } },
    })),
  ),
  cr(
    'cr/invalid',
    'each kind of violation',
    [
      { addresses: [] },
      {},
      { addresses: 'x' },
      { addresses: ['x'], priority: 101 },
      { addresses: ['x'], priority: 1.5 },
      { addresses: ['x'], mode: 'C' },
      { addresses: ['x'.repeat(91)] },
      { addresses: ['x'], autoAssign: 'yes' },
      { addresses: ['x'], port: true },
      { addresses: ['x'], peers: [{ asn: 1 }] },
      { addresses: ['x'], peers: [{ name: 'p' }, { name: 'p' }] },
      { addresses: null },
      { addresses: ['x', 5] },
    ].map((s, i) => ({ method: 'POST', path: G, body: pool(`i${i}`, s) })),
  ),
  cr('cr/no-spec', 'required at the root', [
    { method: 'POST', path: G, body: { apiVersion: '${run}.contract.test/v1', kind: 'Pool', metadata: { name: 'a' } } },
  ]),
  cr('cr/generation', 'generation follows spec only', [
    { method: 'POST', path: G, body: pool('a', { addresses: ['x'] }), pick: ['metadata.generation'] },
    { method: 'PATCH', path: `${G}/a`, headers: merge, body: { metadata: { labels: { a: 'b' } } }, pick: ['metadata.generation'] },
    { method: 'PATCH', path: `${G}/a`, headers: merge, body: { spec: { priority: 3 } }, pick: ['metadata.generation'] },
    {
      method: 'PATCH',
      path: `${G}/a/status`,
      headers: merge,
      body: { status: { assigned: 1 }, spec: { priority: 9 } },
      pick: ['metadata.generation', 'spec', 'status'],
    },
    { method: 'PATCH', path: `${G}/a`, headers: merge, body: { status: { assigned: 7 } }, pick: ['metadata.generation', 'status'] },
  ]),
  cr(
    'cr/no-status-subresource',
    'without a status subresource',
    [
      { method: 'POST', path: G, body: pool('a', { addresses: ['x'] }, { status: { assigned: 2 } }), pick: ['status'] },
      { path: `${G}/a/status`, pick: ['code', 'message'] },
    ],
    crd({}, { subresources: undefined }),
  ),
  cr('cr/patch-types', 'strategic merge is refused', [
    { method: 'POST', path: G, body: pool('a', { addresses: ['x'] }), silent: true },
    { method: 'PATCH', path: `${G}/a`, headers: smp, body: { spec: { priority: 1 } } },
    {
      method: 'PATCH',
      path: `${G}/a`,
      headers: { 'content-type': 'application/json-patch+json' },
      body: [{ op: 'add', path: '/spec/priority', value: 1 }],
      pick: ['spec'],
    },
    { method: 'PATCH', path: `${G}/a`, headers: merge, body: { spec: { addresses: null } } },
  ]),
  cr('cr/apply', 'server-side apply on a list map', [
    {
      method: 'PATCH',
      path: `${G}/a?fieldManager=one`,
      headers: apply,
      body: pool('a', { addresses: ['x'], peers: [{ name: 'p', asn: 1 }] }),
    },
    {
      method: 'PATCH',
      path: `${G}/a?fieldManager=two`,
      headers: apply,
      body: pool('a', { addresses: ['x'], peers: [{ name: 'q', asn: 2 }] }),
    },
    {
      method: 'PATCH',
      path: `${G}/a?fieldManager=two`,
      headers: apply,
      body: pool('a', { addresses: ['y'], peers: [{ name: 'p', asn: 3 }] }),
    },
    { method: 'PATCH', path: `${G}/a?fieldManager=one`, headers: apply, body: pool('a', { addresses: ['x'] }) },
  ]),
  cr(
    'cr/cel',
    'rules, messages, paths, oldSelf',
    [
      { method: 'POST', path: G, body: pool('a', { addresses: ['x'], priority: 3 }) },
      { method: 'POST', path: G, body: pool('b', { addresses: ['bad'], priority: 50 }) },
      { method: 'PATCH', path: `${G}/a`, headers: merge, body: { spec: { mode: 'B' } } },
      { method: 'PATCH', path: `${G}/a`, headers: merge, body: { spec: { priority: 2 } } },
      { method: 'PATCH', path: `${G}/a`, headers: merge, body: { metadata: { labels: { a: 'b' } } }, pick: ['metadata.labels', 'message'] },
    ],
    swap(
      withRules([
        { rule: "self.addresses.all(a, a != 'bad')", message: 'no bad address', fieldPath: '.addresses' },
        { rule: 'self.mode == oldSelf.mode', message: 'mode is immutable' },
        {
          rule: '!has(self.priority) || self.priority < 20',
          messageExpression: "'mode ' + self.mode + ' allows less than 20'",
          reason: 'FieldValueForbidden',
        },
        { rule: '!has(oldSelf.priority) || !has(self.priority) || self.priority >= oldSelf.priority' },
      ]),
    ),
  ),
  cr(
    'cr/cel-libraries',
    'isIP, cidr, quantity, optionals',
    [
      { method: 'POST', path: G, body: pool('a', { addresses: ['10.0.0.0/24'] }), pick: ['metadata.name', 'message'] },
      { method: 'POST', path: G, body: pool('b', { addresses: ['10.0.0.0/33'] }) },
      { method: 'POST', path: G, body: pool('c', { addresses: ['10.0.0.1'] }) },
    ],
    swap(
      withRules([
        { rule: 'self.addresses.all(a, isCIDR(a))', message: 'not a CIDR' },
        { rule: 'self.addresses.all(a, !isCIDR(a) || cidr(a).prefixLength() >= 16)' },
      ]),
    ),
  ),
  cr('cr/ratcheting', 'an old violation may stay when its field is not touched', [
    { method: 'POST', path: G, body: pool('a', { addresses: ['x'], priority: 90 }), silent: true },
    { path: `${CRDS}/pools.\${run}.contract.test`, save: 'c', silent: true },
    {
      method: 'PATCH',
      path: `${CRDS}/pools.\${run}.contract.test`,
      headers: { 'content-type': 'application/json-patch+json' },
      body: [{ op: 'replace', path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/priority/maximum', value: 10 }],
      silent: true,
    },
    { wait: 2500, method: 'PATCH', path: `${G}/a`, headers: merge, body: { spec: { mode: 'B' } }, pick: ['spec', 'message'] },
    { method: 'PATCH', path: `${G}/a`, headers: merge, body: { spec: { priority: 91 } }, pick: ['spec', 'message'] },
  ]),
  cr(
    'cr/table',
    'printer columns',
    [
      { method: 'POST', path: G, body: pool('a', { addresses: ['x', 'y'], priority: 3 }), silent: true },
      { path: G, headers: TABLE },
    ],
    crd(
      {},
      {
        additionalPrinterColumns: [
          { name: 'Addresses', type: 'string', jsonPath: '.spec.addresses' },
          { name: 'First', type: 'string', jsonPath: '.spec.addresses[0]' },
          { name: 'Priority', type: 'integer', jsonPath: '.spec.priority', priority: 1 },
          { name: 'Auto', type: 'boolean', jsonPath: '.spec.autoAssign' },
          { name: 'Missing', type: 'string', jsonPath: '.spec.none' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
      },
    ),
  ),
  cr('cr/table-default', 'columns when none are given', [
    { method: 'POST', path: G, body: pool('a', { addresses: ['x'] }), silent: true },
    { path: G, headers: TABLE, pick: ['columnDefinitions', 'rows.0.cells'] },
  ]),
  cr(
    'cr/selectable',
    'selectableFields',
    [
      { method: 'POST', path: G, body: pool('a', { addresses: ['x'], mode: 'B' }), silent: true },
      { method: 'POST', path: G, body: pool('b', { addresses: ['x'] }), silent: true },
      { path: `${G}?fieldSelector=spec.mode%3DB`, pick: ['items.length', 'items.0.metadata.name', 'message'] },
      { path: `${G}?fieldSelector=spec.priority%3D1`, pick: ['message', 'code'] },
    ],
    crd({}, { selectableFields: [{ jsonPath: '.spec.mode' }] }),
  ),
  cr(
    'cr/scale',
    'scale subresource',
    [
      { method: 'POST', path: G, body: pool('a', { addresses: ['x'], priority: 2 }), silent: true },
      { path: `${G}/a/scale` },
      { method: 'PATCH', path: `${G}/a/scale`, headers: merge, body: { spec: { replicas: 4 } } },
      { path: `${G}/a`, pick: ['spec.priority'] },
    ],
    crd({}, { subresources: { status: {}, scale: { specReplicasPath: '.spec.priority', statusReplicasPath: '.status.assigned' } } }),
  ),
  cr('cr/int-or-string', 'x-kubernetes-int-or-string', [
    { method: 'POST', path: G, body: pool('a', { addresses: ['x'], port: 80 }), pick: ['spec.port'] },
    { method: 'POST', path: G, body: pool('b', { addresses: ['x'], port: 'http' }), pick: ['spec.port'] },
  ]),
  cr('cr/cascade', 'deleting the CRD removes its objects and the group', [
    { method: 'POST', path: G, body: pool('a', { addresses: ['x'] }), silent: true },
    { method: 'DELETE', path: `${CRDS}/pools.\${run}.contract.test`, pick: ['kind', 'metadata.name', 'metadata.finalizers'] },
    { wait: 4000, path: G, pick: ['code'] },
    { path: '/apis/${run}.contract.test', pick: ['code'] },
  ]),
  cr('cr/wrong-version', 'body of another version', [
    { method: 'POST', path: G, body: { ...pool('a', { addresses: ['x'] }), apiVersion: '${run}.contract.test/v2' } },
    { method: 'POST', path: G, body: { ...pool('a', { addresses: ['x'] }), kind: 'Pond' } },
  ]),

  {
    name: 'node/create-and-status',
    steps: [
      {
        method: 'POST',
        path: '/api/v1/nodes',
        body: {
          apiVersion: 'v1',
          kind: 'Node',
          metadata: { name: 'n-${run}', labels: { a: 'b' } },
          spec: { podCIDR: '10.42.77.0/24' },
          status: { addresses: [{ type: 'InternalIP', address: '192.168.150.77' }] },
        },
      },
      {
        method: 'PATCH',
        path: '/api/v1/nodes/n-${run}/status',
        headers: smp,
        body: {
          status: {
            addresses: [{ type: 'InternalIP', address: '192.168.150.77' }],
            conditions: [
              {
                type: 'Ready',
                status: 'True',
                reason: 'R',
                message: 'm',
                lastHeartbeatTime: '2026-01-01T00:00:00Z',
                lastTransitionTime: '2026-01-01T00:00:00Z',
              },
            ],
          },
        },
        pick: ['status.addresses', 'status.conditions'],
      },
      {
        method: 'PATCH',
        path: '/api/v1/nodes/n-${run}',
        headers: smp,
        body: { spec: { unschedulable: true } },
        pick: ['spec.unschedulable'],
      },
    ],
    after: [{ method: 'DELETE', path: '/api/v1/nodes/n-${run}' }],
  },
  {
    name: 'endpointslice/create',
    steps: [
      {
        method: 'POST',
        path: '/apis/discovery.k8s.io/v1/namespaces/${ns}/endpointslices',
        body: {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: { name: 'e', labels: { 'kubernetes.io/service-name': 's' } },
          addressType: 'IPv4',
          ports: [{ port: 80 }],
          endpoints: [{ addresses: ['10.1.1.1'], nodeName: 'n1', conditions: { ready: true } }, { addresses: ['10.1.1.2'] }],
        },
      },
      ...[
        { addressType: 'IPv9' },
        { endpoints: [{ addresses: [] }] },
        { endpoints: [{ addresses: ['2001:db8::1'] }] },
        { endpoints: [{ addresses: ['127.0.0.1'] }] },
        { addressType: undefined },
      ].map((o, i) => ({
        method: 'POST',
        path: '/apis/discovery.k8s.io/v1/namespaces/${ns}/endpointslices',
        body: {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: { name: `b${i}` },
          addressType: 'IPv4',
          ports: [{ port: 80 }],
          endpoints: [{ addresses: ['10.1.1.1'] }],
          ...o,
        },
      })),
      {
        method: 'PATCH',
        path: '/apis/discovery.k8s.io/v1/namespaces/${ns}/endpointslices/e',
        headers: merge,
        body: { addressType: 'IPv6' },
      },
    ],
  },
  {
    name: 'endpoints/by-hand',
    desc: 'the legacy kind (its mirroring is a controller)',
    steps: [
      {
        method: 'POST',
        path: `${NS}/endpoints`,
        body: {
          apiVersion: 'v1',
          kind: 'Endpoints',
          metadata: { name: 's' },
          subsets: [{ addresses: [{ ip: '10.1.1.1' }, { ip: '10.1.1.2' }], ports: [{ port: 80 }] }],
        },
      },
      {
        method: 'POST',
        path: `${NS}/endpoints`,
        body: {
          apiVersion: 'v1',
          kind: 'Endpoints',
          metadata: { name: 't' },
          subsets: [{ addresses: [{ ip: 'x' }], ports: [{ port: 80 }] }],
        },
      },
    ],
  },
  {
    name: 'lease/create-update',
    steps: [
      {
        method: 'POST',
        path: '/apis/coordination.k8s.io/v1/namespaces/${ns}/leases',
        body: {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name: 'l' },
          spec: {
            holderIdentity: 'a',
            leaseDurationSeconds: 15,
            acquireTime: '2026-01-01T00:00:00.000000Z',
            renewTime: '2026-01-01T00:00:00.123456Z',
            leaseTransitions: 0,
          },
        },
      },
      ...[{ leaseDurationSeconds: 0 }, { renewTime: '2026-01-01' }, { leaseTransitions: -1 }].map((s, i) => ({
        method: 'POST',
        path: '/apis/coordination.k8s.io/v1/namespaces/${ns}/leases',
        body: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: `b${i}` }, spec: { holderIdentity: 'a', ...s } },
      })),
    ],
  },
  {
    name: 'event/core',
    desc: 'a core/v1 Event read as events.k8s.io/v1',
    steps: [
      {
        method: 'POST',
        path: `${NS}/events`,
        body: {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: 'e.1' },
          involvedObject: { apiVersion: 'v1', kind: 'Service', name: 's', namespace: '${ns}' },
          reason: 'IPAllocated',
          message: 'given',
          type: 'Normal',
          source: { component: 'c' },
          firstTimestamp: '2026-01-01T00:00:00Z',
          lastTimestamp: '2026-01-01T00:00:00Z',
          count: 1,
        },
      },
      { path: '/apis/events.k8s.io/v1/namespaces/${ns}/events/e.1' },
      { path: `${NS}/events?fieldSelector=involvedObject.name%3Ds,type%3DNormal`, pick: ['items.length'] },
      { path: `${NS}/events?fieldSelector=involvedObject.colour%3Dred`, pick: ['message', 'code'] },
    ],
  },
  {
    name: 'event/new',
    desc: 'an events.k8s.io/v1 Event, good and bad',
    steps: [
      {
        method: 'POST',
        path: '/apis/events.k8s.io/v1/namespaces/${ns}/events',
        body: {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: { name: 'n.1' },
          regarding: { apiVersion: 'v1', kind: 'Service', name: 's', namespace: '${ns}' },
          reason: 'R',
          note: 'text',
          type: 'Warning',
          action: 'Allocate',
          eventTime: '2026-01-01T00:00:00.000000Z',
          reportingController: 'example.com/c',
          reportingInstance: 'c-1',
        },
      },
      { path: `${NS}/events/n.1` },
      {
        method: 'POST',
        path: '/apis/events.k8s.io/v1/namespaces/${ns}/events',
        body: {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: { name: 'n.2' },
          regarding: { kind: 'Service', name: 's', namespace: '${ns}' },
          reason: 'R',
          note: 'text',
          type: 'Odd',
        },
      },
      {
        method: 'POST',
        path: `${NS}/events`,
        body: {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: 'n.3' },
          involvedObject: { kind: 'Service', name: 's', namespace: 'elsewhere' },
          reason: 'R',
          type: 'Normal',
        },
      },
    ],
  },
  {
    name: 'secret/types',
    steps: [
      {
        method: 'POST',
        path: `${NS}/secrets`,
        body: {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'a' },
          type: 'kubernetes.io/basic-auth',
          stringData: { password: 'p' },
        },
      },
      {
        method: 'POST',
        path: `${NS}/secrets`,
        body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'b' }, type: 'kubernetes.io/basic-auth', data: {} },
      },
      { method: 'POST', path: `${NS}/secrets`, body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'c' }, data: { k: '!!' } } },
      { method: 'PATCH', path: `${NS}/secrets/a`, headers: merge, body: { type: 'Opaque' } },
    ],
  },
  {
    name: 'namespace/delete',
    desc: 'Terminating, then gone; nothing can be made in it',
    steps: [
      { method: 'POST', path: '/api/v1/namespaces', body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'gone-${run}' } } },
      {
        method: 'POST',
        path: '/api/v1/namespaces/gone-${run}/configmaps',
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'hold', finalizers: ['example.com/x'] } },
        silent: true,
      },
      { method: 'DELETE', path: '/api/v1/namespaces/gone-${run}', pick: ['kind', 'status.phase', 'spec.finalizers'] },
      {
        method: 'POST',
        path: '/api/v1/namespaces/gone-${run}/configmaps',
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late' } },
      },
      {
        method: 'PATCH',
        path: '/api/v1/namespaces/gone-${run}/configmaps/hold',
        headers: merge,
        body: { metadata: { finalizers: null } },
        silent: true,
      },
      { wait: 12000, path: '/api/v1/namespaces/gone-${run}', pick: ['code', 'reason'] },
    ],
  },
  {
    name: 'gc/background',
    desc: 'ownerReferences',
    steps: [
      {
        method: 'POST',
        path: `${NS}/configmaps`,
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owner' } },
        save: 'o',
        silent: true,
      },
      {
        method: 'POST',
        path: `${NS}/configmaps`,
        body: {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'child', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: '${o.metadata.uid}' }] },
        },
        pick: ['metadata.ownerReferences'],
      },
      { method: 'DELETE', path: `${NS}/configmaps/owner`, silent: true },
      { wait: 5000, path: `${NS}/configmaps/child`, pick: ['code'] },
    ],
  },
  {
    name: 'gc/foreground',
    steps: [
      {
        method: 'POST',
        path: `${NS}/configmaps`,
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owner' } },
        save: 'o',
        silent: true,
      },
      {
        method: 'POST',
        path: `${NS}/configmaps`,
        body: {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: {
            name: 'child',
            ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: '${o.metadata.uid}', blockOwnerDeletion: true }],
          },
        },
        silent: true,
      },
      {
        method: 'DELETE',
        path: `${NS}/configmaps/owner`,
        body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Foreground' },
        pick: ['metadata.finalizers', 'kind'],
      },
      { wait: 6000, path: `${NS}/configmaps/owner`, pick: ['code'] },
      { path: `${NS}/configmaps/child`, pick: ['code'] },
    ],
  },
  {
    name: 'gc/orphan',
    steps: [
      {
        method: 'POST',
        path: `${NS}/configmaps`,
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owner' } },
        save: 'o',
        silent: true,
      },
      {
        method: 'POST',
        path: `${NS}/configmaps`,
        body: {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'child', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: '${o.metadata.uid}' }] },
        },
        silent: true,
      },
      {
        method: 'DELETE',
        path: `${NS}/configmaps/owner`,
        body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Orphan' },
        silent: true,
      },
      { wait: 5000, path: `${NS}/configmaps/child`, pick: ['metadata.name', 'metadata.ownerReferences'] },
    ],
  },
  {
    name: 'access/self',
    steps: [
      {
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes: { verb: 'get', resource: 'services', namespace: 'default' } },
        },
        pick: ['kind', 'status.allowed'],
      },
      {
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
        pick: ['kind'],
      },
    ],
  },
  {
    name: 'access/forbidden',
    desc: 'what a ServiceAccount without rights is told',
    steps: [
      {
        method: 'POST',
        path: `${NS}/serviceaccounts`,
        body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'weak' } },
        silent: true,
      },
      ...[
        ['GET', `${NS}/services`],
        ['GET', '/api/v1/nodes'],
        ['PATCH', `${NS}/services/s/status`],
        ['GET', '/apis/coordination.k8s.io/v1/namespaces/${ns}/leases/x'],
        ['GET', '/metrics'],
      ].map(([method, path]) => ({
        method,
        path,
        headers: { 'impersonate-user': 'system:serviceaccount:${ns}:weak', 'content-type': 'application/merge-patch+json' },
        ...(method === 'PATCH' ? { body: {} } : {}),
      })),
    ],
  },
  {
    name: 'serviceaccount/token',
    desc: 'TokenRequest',
    steps: [
      { method: 'POST', path: `${NS}/serviceaccounts`, body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sa' } } },
      {
        method: 'POST',
        path: `${NS}/serviceaccounts/sa/token`,
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } },
        pick: ['kind', 'spec.expirationSeconds', 'spec.boundObjectRef'],
      },
    ],
  },
  {
    name: 'rbac/validate',
    steps: [
      {
        method: 'POST',
        path: '/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/roles',
        body: {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'Role',
          metadata: { name: 'r' },
          rules: [{ verbs: [], apiGroups: [''], resources: ['services'] }],
        },
      },
      {
        method: 'POST',
        path: '/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/rolebindings',
        body: {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata: { name: 'b' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
          subjects: [{ kind: 'ServiceAccount', name: 'sa' }],
        },
      },
    ],
  },
];
