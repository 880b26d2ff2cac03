import { celEnv, parse as parseOracle, plan } from '@bufbuild/cel';
import { describe, expect, it } from 'vitest';
import { compileCrdSchema, type JsonObject } from '../schema/index.ts';
import { evaluationEnvironment } from './environment.ts';
import { checkRules, compileRules, validateCustomResource } from './index.ts';

const root = 'spec.validation.openAPIV3Schema';
const schemaWith = (rules: JsonObject[]): JsonObject => ({
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      'x-kubernetes-validations': rules,
      properties: {
        addresses: { type: 'array', maxItems: 16, items: { type: 'string', maxLength: 90 } },
        priority: { type: 'integer' },
        ratio: { type: 'number' },
        mode: { type: 'string', enum: ['A', 'B'] },
        port: { 'x-kubernetes-int-or-string': true },
        'with-dash': { type: 'string', maxLength: 10 },
        namespace: { type: 'string', maxLength: 10 },
        when: { type: 'string', format: 'date-time' },
        labels: { type: 'object', maxProperties: 4, additionalProperties: { type: 'string', maxLength: 10 } },
        peers: {
          type: 'array',
          maxItems: 8,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: { type: 'object', required: ['name'], properties: { name: { type: 'string', maxLength: 20 }, asn: { type: 'integer' } } },
        },
      },
    },
  },
});
const spec: JsonObject = {
  addresses: ['10.0.0.0/24', '192.0.2.1'],
  priority: 3,
  ratio: 0.5,
  mode: 'A',
  port: 80,
  'with-dash': 'x',
  namespace: 'n',
  when: '2026-01-01T00:00:00Z',
  labels: { a: 'b' },
  peers: [
    { name: 'p', asn: 5 },
    { name: 'q', asn: 7 },
  ],
};

describe('rules', () => {
  const holds = [
    'self.addresses.size() == 2',
    'self.addresses.exists(a, isCIDR(a)) && self.addresses.exists_one(a, isIP(a))',
    "cidr(self.addresses[0]).containsIP(ip('10.0.0.7')) && !cidr('10.0.0.0/24').containsCIDR('10.0.0.0/8')",
    "cidr('10.0.0.5/24').masked() == cidr('10.0.0.0/24') && cidr('10.0.0.0/24').prefixLength() == 24",
    "ip('fe80::1').isLinkLocalUnicast() && ip('::1').family() == 6 && string(ip('2001:DB8::1')) == '2001:db8::1'",
    "ip.isCanonical('127.0.0.1') && !ip.isCanonical('2001:DB8::1')",
    'self.priority * 2 == 6 && self.ratio < 1.0',
    "self.port == 80 || self.port == 'http'",
    "self.with__dash__dash == 'x' && self.__namespace__ == 'n'",
    "self.when < timestamp('2027-01-01T00:00:00Z')",
    "self.labels.all(k, self.labels[k] == 'b')",
    'self.peers.map(p, p.asn).sum() == 12 && self.peers.map(p, p.asn).max() == 7 && self.peers.map(p, p.asn).isSorted()',
    "self.addresses.indexOf('192.0.2.1') == 1",
    "self.?mode.orValue('B') == 'A'",
    "quantity('1.5Gi').isGreaterThan(quantity('1Gi')) && quantity('1000m').asInteger() == 1 && isQuantity('5Mi')",
    "url('https://user@[::1]:80/p?q=1').getHostname() == '::1' && !isURL('x y')",
    "'a1b22'.findAll('[0-9]+') == ['1', '22'] && 'abc'.find('b.') == 'bc'",
    "'%s has %d'.format(['x', 3]) == 'x has 3'",
    'sets.contains([1, 2, 3], [2]) && sets.equivalent([1, 2], [2, 1]) && !sets.intersects([1], [2])',
    "semver('1.2.3').isLessThan(semver('1.10.0'))",
    "!format.dns1123Label().validate('ok').hasValue() && format.dns1123Label().validate('Not ok').hasValue()",
    'math.greatest(1, 3) == 3 && math.least([4, 2]) == 2',
    'has(self.mode) && type(self.port) == int',
    "duration('90s') > duration('1m')",
    'cel.bind(n, self.addresses.size(), n > 1)',
    "self.addresses.all(i, a, i > 0 || isCIDR(a)) && self.labels.exists(k, v, k == 'a' && v == 'b')",
    "self.addresses.transformList(i, a, i > 0, a) == ['192.0.2.1'] && self.labels.transformMap(k, v, v + '!')['a'] == 'b!'",
    'self.?priority.optMap(p, p > 2).orValue(false)',
  ];
  it.each(holds)('%s', rule => {
    const schema = schemaWith([{ rule }]);
    expect(checkRules(schema, root)).toEqual([]);
    expect(compileRules(compileCrdSchema(schema)).validate({ spec })).toEqual([]);
    expect(compileRules(compileCrdSchema(schemaWith([{ rule: `!(${rule})` }]))).validate({ spec })).toHaveLength(1);
  });

  it('speak with message, messageExpression, fieldPath and reason', () => {
    const rules = compileRules(
      compileCrdSchema(
        schemaWith([
          { rule: 'self.priority > 5', message: 'too low', fieldPath: '.priority' },
          { rule: 'self.priority > 6', messageExpression: "'mode ' + self.mode + ' needs more'", reason: 'FieldValueForbidden' },
          { rule: 'self.priority > 7' },
        ]),
      ),
    );
    expect(rules.validate({ spec }).map(c => [c.reason, `${c.field}: ${c.message}`])).toEqual([
      ['FieldValueInvalid', 'spec.priority: Invalid value: too low'],
      ['FieldValueForbidden', 'spec: Forbidden: mode A needs more'],
      ['FieldValueInvalid', 'spec: Invalid value: failed rule: self.priority > 7'],
    ]);
  });

  it('compare with oldSelf, also item by item in list maps, and spare what did not change', () => {
    const schema = schemaWith([
      { rule: 'self.mode == oldSelf.mode', message: 'mode is immutable' },
      { rule: 'oldSelf.hasValue() || self.priority < 5', optionalOldSelf: true },
    ]);
    const rules = compileRules(compileCrdSchema(schema));
    expect(rules.validate({ spec })).toEqual([]);
    expect(rules.validate({ spec: { ...spec, priority: 9 } })).toHaveLength(1);
    expect(rules.validate({ spec: { ...spec, priority: 9 } }, { spec })).toEqual([]);
    expect(rules.validate({ spec: { ...spec, mode: 'B' } }, { spec }).map(c => c.message)).toEqual(['Invalid value: mode is immutable']);
    const always = compileRules(compileCrdSchema(schemaWith([{ rule: 'false' }])));
    expect(always.validate({ spec }, { spec })).toEqual([]);
  });

  it('wait until the object has the right shape', () => {
    const node = compileCrdSchema(schemaWith([{ rule: 'self.priority > 5' }]));
    expect(validateCustomResource({ spec: { priority: 'x' } }, node, compileRules(node)).map(c => c.message)).toEqual([
      'Invalid value: "string": spec.priority in body must be of type integer: "string"',
      'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    ]);
  });
});

const compilation = (rule: string) => checkRules(schemaWith([{ rule }]), root).map(c => c.message.replace(/^.*?compilation failed: /s, ''));

const nested = (bounds: JsonObject, item: JsonObject): JsonObject => ({
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: { a: { type: 'array', ...bounds, items: { type: 'string', ...item } } },
      'x-kubernetes-validations': [{ rule: 'self.a.all(x, self.a.exists_one(y, x == y))' }],
    },
  },
});

const rootRule = (text: string): JsonObject => ({ type: 'object', 'x-kubernetes-validations': [{ rule: text }], properties: {} });

describe('checkRules', () => {
  const table: [string, string][] = [
    ['self.nothing == 1', "ERROR: <input>:1:5: undefined field 'nothing'\n | self.nothing == 1\n | ....^"],
    ['has(self.nothing)', "ERROR: <input>:1:9: undefined field 'nothing'\n | has(self.nothing)\n | ........^"],
    [
      'self.mode == 1',
      "ERROR: <input>:1:11: found no matching overload for '_==_' applied to '(string, int)'\n | self.mode == 1\n | ..........^",
    ],
    ['nobody.mode', "ERROR: <input>:1:1: undeclared reference to 'nobody' (in container '')\n | nobody.mode\n | ^"],
    ['fly(self.mode)', "ERROR: <input>:1:4: undeclared reference to 'fly' (in container '')\n | fly(self.mode)\n | ...^"],
  ];
  it.each(table)('%s', (rule, expected) => {
    expect(compilation(rule)).toEqual([expected]);
  });

  it('sees the names in metadata, and nothing else of it', () => {
    expect(checkRules(rootRule("self.metadata.name.startsWith('a')"), root)).toEqual([]);
    expect(checkRules(rootRule('has(self.metadata.labels)'), root).at(0)?.message).toContain("undefined field 'labels'");
    const named = compileRules(compileCrdSchema(rootRule("self.metadata.name == 'a'")));
    expect(named.validate({ metadata: { name: 'a', generation: 1 } })).toEqual([]);
    expect(named.validate({ metadata: { name: 'b' } })).toHaveLength(1);
  });

  it('wants a bool', () => {
    expect(compilation('self.mode').at(0)).toMatch(/cel expression must evaluate to a bool$/);
  });

  it('refuses oldSelf where items have no counterpart', () => {
    const schema: JsonObject = {
      type: 'object',
      properties: {
        l: {
          type: 'array',
          maxItems: 2,
          items: { type: 'string', maxLength: 2, 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] },
        },
      },
    };
    expect(checkRules(schema, root).at(0)?.message).toMatch(/oldSelf cannot be used on the uncorrelatable portion of the schema within/);
  });

  it('prices rules: bounded lists pass, nested unbounded ones do not', () => {
    expect(checkRules(nested({ maxItems: 64 }, { maxLength: 64 }), root)).toEqual([]);
    const at = `${root}.properties[spec].x-kubernetes-validations[0].rule`;
    expect(checkRules(nested({}, {}), root).map(c => [c.field, c.message.slice(0, 72)])).toEqual([
      [at, 'Forbidden: estimated rule cost exceeds budget by factor of more than 100'],
      [at, 'Forbidden: contributed to estimated rule cost total exceeding cost limit'],
      [root, 'Forbidden: x-kubernetes-validations estimated rule cost total for entire'],
    ]);
  });

  it('cannot afford string() in a concatenation', () => {
    const schema = schemaWith([{ rule: 'self.priority < 20', messageExpression: "'priority ' + string(self.priority)" }]);
    expect(checkRules(schema, root).at(0)?.message).toMatch(
      /^Forbidden: estimated messageExpression cost exceeds budget by factor of more than 100x/,
    );
  });
});

describe('the engine agrees with another one', () => {
  const expressions = [
    '1 + 2 * 3 == 7',
    '7 / 2 == 3 && -7 / 2 == -3 && 7 % 3 == 1',
    "'a' + 'b' == 'ab' && 'abc'.contains('b') && 'abc'.startsWith('a')",
    '[1, 2, 3].all(x, x > 0) && [1, 2].exists(x, x == 2)',
    '[1, 2, 3].filter(x, x > 1).map(x, x * 2) == [4, 6]',
    "{'a': 1}['a'] == 1 && 'a' in {'a': 1}",
    "size('héllo') == 5",
    "'x'.matches('^[a-z]$')",
    'false || (true && !false)',
    '1 < 2 ? true : false',
    "timestamp('2026-01-01T00:00:00Z') < timestamp('2026-01-02T00:00:00Z')",
    "duration('60s') == duration('1m')",
    '[1, 2] == [1, 2] && [1] != [2]',
    '2.0 > 1.5',
  ];
  it.each(expressions)('%s', expression => {
    const oracle = plan(celEnv(), parseOracle(expression));
    expect(evaluationEnvironment().evaluate(expression, {})).toEqual(oracle({}));
  });
});
