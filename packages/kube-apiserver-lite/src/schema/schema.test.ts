import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtinFile, generate } from './generate.ts';
import {
  applyDefaults,
  builtinSchema,
  canonicalQuantity,
  canonicalTime,
  compileCrdSchema,
  decodeBuiltin,
  type JsonObject,
  prune,
  validateListTypes,
  validateSchema,
} from './index.ts';
import { validateBuiltin } from './kinds/index.ts';

const gvk = (kind: string, group = '', version = 'v1') => ({ group, version, kind });

describe('the generated document', () => {
  it('is what the generator makes', () => {
    expect(readFileSync(builtinFile, 'utf8')).toBe(`${JSON.stringify(generate())}\n`);
  });

  it('describes fields, with their documentation and merge keys', () => {
    const ports = builtinSchema(gvk('Service'))?.properties.get('spec')?.properties.get('ports');
    expect(ports).toMatchObject({
      type: 'array',
      listType: 'map',
      listMapKeys: ['port', 'protocol'],
      patchMergeKey: 'port',
      patchStrategy: ['merge'],
    });
    expect(ports?.items?.properties.get('port')?.description).toBe('The port that will be exposed by this service.');
    expect(builtinSchema(gvk('Nothing'))).toBeUndefined();
  });
});

describe('decodeBuiltin', () => {
  const errors: [string, string, string, JsonObject, string][] = [
    [
      'a number for a text',
      'ConfigMap',
      '',
      { data: { k: 1 } },
      'json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
    ],
    [
      'a text for a list',
      'Service',
      '',
      { spec: { ports: 'x' } },
      'json: cannot unmarshal string into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort',
    ],
    [
      'a fraction for an integer',
      'Service',
      '',
      { spec: { ports: [{ port: 1.5 }] } },
      'json: cannot unmarshal number 1.5 into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      'too large an integer',
      'Deployment',
      'apps',
      { spec: { replicas: 3e9 } },
      'json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      'a list for a struct',
      'Service',
      '',
      { spec: [] },
      'json: cannot unmarshal array into Go struct field Service.spec of type v1.ServiceSpec',
    ],
    [
      'a number for a named text',
      'Service',
      '',
      { spec: { type: 1 } },
      'json: cannot unmarshal number into Go struct field ServiceSpec.spec.type of type v1.ServiceType',
    ],
    [
      'a bool for int-or-string',
      'Service',
      '',
      { spec: { ports: [{ targetPort: true }] } },
      'json: cannot unmarshal bool into Go value of type int32',
    ],
    ['no base64', 'Secret', '', { data: { k: '!!' } }, 'illegal base64 data at input byte 0'],
    [
      'no timestamp',
      'Lease',
      'coordination.k8s.io',
      { spec: { renewTime: '2026-01-01' } },
      'parsing time "2026-01-01" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "" as "T"',
    ],
    [
      'no quantity',
      'ResourceQuota',
      '',
      { spec: { hard: { pods: 'many' } } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
  ];
  it.each(errors)('tells %s as Go does', (_, kind, group, object, error) => {
    expect(decodeBuiltin(object, gvk(kind, group)).error).toBe(error);
  });

  it('drops and reports what the kind does not have', () => {
    const object: JsonObject = { spec: { selektor: {}, ports: [{ port: 80, prot: 'x' }] } };
    expect(decodeBuiltin(object, gvk('Service')).unknown).toEqual(['spec.selektor', 'spec.ports[0].prot']);
    expect(object).toMatchObject({ spec: { ports: [{ port: 80 }] } });
  });

  it('looks into the schemas of CRDs, and leaves raw values alone', () => {
    const schema: JsonObject = {
      type: 'array',
      items: { type: 'object', typo: 1, properties: { a: { type: 'boolean', default: false, nullable: false } } },
    };
    const object: JsonObject = {
      spec: {
        group: 'g',
        names: {},
        scope: 'Namespaced',
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      },
    };
    expect(decodeBuiltin(object, gvk('CustomResourceDefinition', 'apiextensions.k8s.io')).unknown).toEqual([
      'spec.versions[0].schema.openAPIV3Schema.items.typo',
    ]);
    expect(schema.items).toEqual({ type: 'object', properties: { a: { type: 'boolean', default: false } } });
  });

  it('writes what Go writes', () => {
    const object: JsonObject = {
      metadata: { labels: {}, annotations: null, name: 'a' },
      spec: { clusterIP: '', publishNotReadyAddresses: false, ports: [{ port: 80, nodePort: 0 }] },
    };
    decodeBuiltin(object, gvk('Service'));
    expect(object).toEqual({ metadata: { name: 'a' }, spec: { ports: [{ port: 80 }] }, status: { loadBalancer: {} } });
    const pod: JsonObject = {
      spec: { containers: [{ name: 'a', resources: { limits: { cpu: '1000m', memory: 1024 } } }], terminationGracePeriodSeconds: 0 },
    };
    decodeBuiltin(pod, gvk('Pod'));
    expect(pod.spec).toEqual({
      containers: [{ name: 'a', resources: { limits: { cpu: '1', memory: '1024' } } }],
      terminationGracePeriodSeconds: 0,
    });
  });
});

describe('quantities and times', () => {
  it.each([
    ['1000m', '1'],
    ['0.5', '500m'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1e3', '1e3'],
    ['100k', '100k'],
    ['0', '0'],
    ['-2', '-2'],
    ['1Ki', '1Ki'],
    ['12x', undefined],
    ['', undefined],
  ])('%s is %s', (text, expected) => {
    expect(canonicalQuantity(text)).toBe(expected);
  });

  it('settles after one pass', () => {
    const text = fc
      .tuple(fc.integer({ min: -9999, max: 9999 }), fc.constantFrom('', 'm', 'k', 'M', 'Ki', 'Gi'))
      .map(([n, s]) => `${n}${s}`);
    fc.assert(
      fc.property(text, t => {
        const once = canonicalQuantity(t) ?? '';
        expect(canonicalQuantity(once)).toBe(once);
      }),
    );
  });

  it('writes times in UTC', () => {
    expect(canonicalTime('2026-01-01T02:00:00.7+02:00', false)).toEqual({ text: '2026-01-01T00:00:00Z' });
    expect(canonicalTime('2026-01-01T00:00:00.123456Z', true)).toEqual({ text: '2026-01-01T00:00:00.123456Z' });
    expect(canonicalTime('2026-13-01T00:00:00Z', false)).toEqual({ error: 'parsing time "2026-13-01T00:00:00Z": month out of range' });
  });
});

const pool = compileCrdSchema({
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['addresses'],
      properties: {
        addresses: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', maxLength: 5, pattern: '^[a-z]+$' } },
        auto: { type: 'boolean', default: true },
        priority: { type: 'integer', minimum: 0, maximum: 100 },
        ratio: { type: 'number', exclusiveMinimum: true, minimum: 0, multipleOf: 0.5 },
        mode: { type: 'string', enum: ['A', 'B'], default: 'A' },
        port: { 'x-kubernetes-int-or-string': true },
        when: { type: 'string', format: 'date-time' },
        any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: { type: 'object', properties: {} } } },
        peers: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, weight: { type: 'integer', default: 1 } } },
        },
        tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
        choice: {
          type: 'object',
          properties: { a: { type: 'string' }, b: { type: 'string' } },
          oneOf: [{ required: ['a'] }, { required: ['b'] }],
        },
      },
    },
  },
});

describe('custom resources', () => {
  it('are pruned, known and unknown parts apart', () => {
    const object: JsonObject = {
      apiVersion: 'a/v1',
      kind: 'Pool',
      metadata: { name: 'x', labels: { l: 'v' }, odd: 1 },
      top: 1,
      spec: { extra: 1, any: { free: { x: 1 }, known: { gone: 1 } }, peers: [{ name: 'p', as: 1 }] },
    };
    expect(prune(object, pool)).toEqual(['metadata.odd', 'spec.any.known.gone', 'spec.extra', 'spec.peers[0].as', 'top']);
    expect(object).toEqual({
      apiVersion: 'a/v1',
      kind: 'Pool',
      metadata: { name: 'x', labels: { l: 'v' } },
      spec: { any: { free: { x: 1 }, known: {} }, peers: [{ name: 'p' }] },
    });
  });

  it('get defaults, also in place of nulls', () => {
    const object: JsonObject = { spec: { mode: null, priority: null, peers: [{ name: 'p' }] } };
    applyDefaults(object, pool);
    expect(object).toEqual({ spec: { auto: true, mode: 'A', peers: [{ name: 'p', weight: 1 }] } });
  });

  const table: [JsonObject, string[]][] = [
    [{ addresses: ['x'] }, []],
    [{}, ['spec.addresses: Required value']],
    [{ addresses: [] }, ['spec.addresses: Invalid value: 0: spec.addresses in body should have at least 1 items']],
    [{ addresses: ['a', 'b', 'c', 'd'] }, ['spec.addresses: Too many: 4: must have at most 3 items']],
    [{ addresses: 'x' }, ['spec.addresses: Invalid value: "string": spec.addresses in body must be of type array: "string"']],
    [{ addresses: ['x', 5] }, ['spec.addresses[1]: Invalid value: "integer": spec.addresses[1] in body must be of type string: "integer"']],
    [{ addresses: ['abcdef'] }, ['spec.addresses[0]: Too long: may not be more than 5 bytes']],
    [{ addresses: ['A'] }, ['spec.addresses[0]: Invalid value: "A": spec.addresses[0] in body should match \'^[a-z]+$\'']],
    [{ addresses: ['x'], priority: 101 }, ['spec.priority: Invalid value: 101: spec.priority in body should be less than or equal to 100']],
    [
      { addresses: ['x'], priority: 1.5 },
      [
        'spec.priority: Invalid value: "number": spec.priority in body must be of type integer: "number"',
        '<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.priority',
      ],
    ],
    [{ addresses: ['x'], ratio: 0 }, ['spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0']],
    [{ addresses: ['x'], ratio: 0.7 }, ['spec.ratio: Invalid value: 0.7: spec.ratio in body should be a multiple of 0.5']],
    [{ addresses: ['x'], mode: 'C' }, ['spec.mode: Unsupported value: "C": supported values: "A", "B"']],
    [
      { addresses: ['x'], port: true },
      ['spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"'],
    ],
    [{ addresses: ['x'], port: 'http' }, []],
    [{ addresses: ['x'], when: 'noon' }, ['spec.when: Invalid value: "noon": spec.when in body must be of type date-time: "noon"']],
    [
      { addresses: ['x'], choice: {} },
      [
        '<nil>: Invalid value: "": "spec.choice" must validate one and only one schema (oneOf). Found none valid',
        'spec.choice.a: Required value',
      ],
    ],
    [{ addresses: ['x'], peers: [{ name: 'p' }, { name: 'p' }] }, ['spec.peers[1]: Duplicate value: {"name":"p"}']],
    [{ addresses: ['x'], tags: ['t', 't'] }, ['spec.tags[1]: Duplicate value: "t"']],
  ];
  it.each(table)('%j', (spec, expected) => {
    const object = { spec };
    expect([...validateSchema(object, pool), ...validateListTypes(object, pool)].map(c => `${c.field}: ${c.message}`)).toEqual(expected);
  });

  it('may keep what was wrong before, where it is not touched', () => {
    const old = { spec: { addresses: ['x'], priority: 900, peers: [{ name: 'p', weight: 'heavy' }] } };
    const touched = (spec: JsonObject) => validateSchema({ spec: { ...old.spec, ...spec } }, pool, { old }).map(c => c.field);
    expect(touched({ mode: 'B' })).toEqual([]);
    expect(touched({ priority: 901 })).toEqual(['spec.priority']);
    expect(touched({ peers: [{ name: 'q' }, { name: 'p', weight: 'heavy' }] })).toEqual([]);
  });

  it('survive any JSON, and pruning settles after one pass', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('addresses', 'peers', 'any', 'port', 'x'), fc.jsonValue({ maxDepth: 3 })), spec => {
        const object = { spec } as JsonObject;
        validateSchema(object, pool);
        prune(object, pool);
        expect(prune(object, pool)).toEqual([]);
        applyDefaults(object, pool);
      }),
    );
  });
});

const claim = (spec: JsonObject, phase = 'Pending'): JsonObject => ({
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, ...spec },
  status: { phase, capacity: { storage: '2Gi' } },
});
const size = (storage: string) => ({ resources: { requests: { storage } } });

describe('validateBuiltin', () => {
  const table: [string, string, JsonObject, string[]][] = [
    [
      'Pod',
      '',
      {
        spec: {
          containers: [
            {
              name: 'c',
              imagePullPolicy: 'Often',
              livenessProbe: { successThreshold: 2 },
              resources: { limits: { cpu: '1' }, requests: { cpu: '2' } },
            },
          ],
          tolerations: [{ value: 'x' }],
        },
      },
      [
        'spec.containers[0].imagePullPolicy: Unsupported value: "Often": supported values: "Always", "IfNotPresent", "Never"',
        'spec.containers[0].livenessProbe: Required value: must specify a handler type',
        'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
        'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
    [
      'Job',
      'batch',
      { spec: { template: { spec: { containers: [{ name: 'a', image: 'b' }], restartPolicy: 'Always', dnsPolicy: 'ClusterFirst' } } } },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [
      'CronJob',
      'batch',
      {
        spec: {
          schedule: '* *',
          concurrencyPolicy: 'Allow',
          jobTemplate: {
            spec: { template: { spec: { containers: [{ name: 'a', image: 'b' }], restartPolicy: 'Never', dnsPolicy: 'Default' } } },
          },
        },
      },
      ['spec.schedule: Invalid value: "* *": expected exactly 5 fields, found 2: [* *]'],
    ],
    [
      'PodDisruptionBudget',
      'policy',
      { spec: { minAvailable: 1, maxUnavailable: '20%' } },
      ['spec: Invalid value: {"minAvailable":1,"maxUnavailable":"20%"}: minAvailable and maxUnavailable cannot be both set'],
    ],
    [
      'Ingress',
      'networking.k8s.io',
      {
        spec: {
          rules: [{ http: { paths: [{ path: 'x', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 0 } } } }] } }],
        },
      },
      [
        'spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path',
        'spec.rules[0].http.paths[0].backend: Required value: port name or number is required',
      ],
    ],
    [
      'PriorityClass',
      'scheduling.k8s.io',
      { metadata: { name: 'p' }, value: 2e9, preemptionPolicy: 'Never' },
      ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    ],
    [
      'PersistentVolumeClaim',
      '',
      { spec: { accessModes: ['X'], resources: {}, volumeMode: 'Tape' } },
      [
        'spec.accessModes: Unsupported value: "X": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
        'spec.resources[storage]: Required value',
        'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"',
      ],
    ],
    [
      'PersistentVolume',
      '',
      { spec: { accessModes: ['ReadWriteOnce', 'ReadWriteOncePod'], capacity: { storage: '0' } } },
      [
        'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
        'spec.capacity[storage]: Invalid value: "0": must be greater than zero',
        'spec: Required value: must specify a volume type',
      ],
    ],
    [
      'HorizontalPodAutoscaler',
      'autoscaling',
      { spec: { minReplicas: 3, maxReplicas: 2, scaleTargetRef: { kind: '', name: 'x' } } },
      ['spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`', 'spec.scaleTargetRef.kind: Required value'],
    ],
    [
      'ReplicationController',
      '',
      { spec: { replicas: -1, selector: { a: 'b' }, template: { metadata: { labels: { a: 'c' } } } } },
      [
        'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
        'spec.template.metadata.labels: Invalid value: {"a":"c"}: `selector` does not match template `labels`',
      ],
    ],
    [
      'DaemonSet',
      'apps',
      { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '150%', maxSurge: 1 } } } },
      [
        'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "150%": must not be greater than 100%',
        'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
      ],
    ],
    [
      'StatefulSet',
      'apps',
      { spec: { podManagementPolicy: 'Odd', updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: -1 } } } },
      [
        "spec.podManagementPolicy: Invalid value: \"Odd\": must be 'OrderedReady' or 'Parallel'",
        'spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0',
      ],
    ],
    [
      'Deployment',
      'apps',
      { spec: { strategy: { type: 'Recreate', rollingUpdate: {} } } },
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
  ];
  const FIXED =
    'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
  const changes: [string, JsonObject, JsonObject, string[]][] = [
    ['a claim is given its volume once', claim({}), claim({ volumeName: 'v' }), []],
    ['a claim keeps its volume', claim({ volumeName: 'v' }), claim({ volumeName: 'w' }), [FIXED]],
    ['a claim keeps its modes', claim({}), claim({ accessModes: ['ReadOnlyMany'] }), [FIXED]],
    ['an unbound claim keeps its size', claim({}), claim(size('3Gi')), [FIXED]],
    ['a bound claim may grow', claim({}, 'Bound'), claim(size('3Gi'), 'Bound'), []],
    [
      'a bound claim may not shrink below what it has',
      claim({}, 'Bound'),
      claim(size('1Gi'), 'Bound'),
      ['spec.resources.requests.storage: Forbidden: field can not be less than status.capacity'],
    ],
  ];
  it.each(changes)('%s', (_, old, object, expected) => {
    expect(validateBuiltin(object, gvk('PersistentVolumeClaim'), old).map(c => `${c.field}: ${c.message}`)).toEqual(expected);
  });

  it.each(table)('%s', (kind, group, object, expected) => {
    expect(validateBuiltin(object, gvk(kind, group)).map(c => `${c.field}: ${c.message}`)).toEqual(expected);
  });

  it('knows defaults that depend on other fields', () => {
    const object: JsonObject = {
      spec: {
        containers: [
          { name: 'a', image: 'x:1', resources: { limits: { cpu: '1' } } },
          { name: 'b', image: 'y' },
        ],
      },
    };
    const schema = builtinSchema(gvk('Pod'));
    if (!schema) throw new Error('no Pod');
    applyDefaults(object, schema);
    expect(object.spec).toMatchObject({
      restartPolicy: 'Always',
      containers: [{ imagePullPolicy: 'IfNotPresent', resources: { requests: { cpu: '1' } } }, { imagePullPolicy: 'Always' }],
    });
  });
});
