import { describe, expect, it } from 'vitest';
import { ApiStatusError } from '../errors.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import { JsonSyntaxError, parseJson } from './json-parser.ts';
import { negotiate } from './negotiate.ts';
import { requestInfo } from './request-info.ts';

describe('requestInfo', () => {
  it.each([
    ['GET', '/api/v1/namespaces/ns/pods/p', { verb: 'get', group: '', version: 'v1', namespace: 'ns', resource: 'pods', name: 'p' }],
    ['GET', '/api/v1/pods', { verb: 'list', namespace: '', resource: 'pods' }],
    ['GET', '/api/v1/pods?watch=1', { verb: 'watch', resource: 'pods' }],
    ['GET', '/api/v1/pods?watch=false', { verb: 'list' }],
    ['GET', '/api/v1/watch/namespaces/ns/pods', { verb: 'watch', namespace: 'ns', resource: 'pods' }],
    ['GET', '/api/v1/namespaces/ns', { verb: 'get', namespace: '', resource: 'namespaces', name: 'ns' }],
    ['GET', '/api/v1/namespaces/ns/namespaces', { verb: 'list', namespace: 'ns', resource: 'namespaces', name: '' }],
    ['PUT', '/api/v1/namespaces/ns/finalize', { verb: 'update', resource: 'namespaces', name: 'ns', subresource: 'finalize' }],
    [
      'PATCH',
      '/apis/apps/v1/namespaces/ns/deployments/d/scale',
      { verb: 'patch', group: 'apps', resource: 'deployments', name: 'd', subresource: 'scale' },
    ],
    ['DELETE', '/apis/a.b/v1/namespaces/ns/things', { verb: 'deletecollection', group: 'a.b', resource: 'things' }],
    ['POST', '/apis/a.b/v1/things', { verb: 'create', name: '' }],
    ['GET', '/apis/apps/v1', { isResource: false, verb: 'get' }],
    ['GET', '/version', { isResource: false }],
  ])('%s %s', (method, url, expected) => {
    const [path = '', query = ''] = url.split('?');
    expect(requestInfo(method, path, new URLSearchParams(query))).toMatchObject(expected);
  });
});

describe('negotiate', () => {
  it.each([
    [undefined, { format: 'json', as: '' }],
    ['*/*', { format: 'json', as: '' }],
    ['application/yaml', { format: 'yaml', as: '' }],
    ['application/vnd.kubernetes.protobuf, application/json', { format: 'json', as: '' }],
    ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', { format: 'json', as: 'Table' }],
    ['application/json;as=Table;v=v9;g=meta.k8s.io,application/json', { format: 'json', as: '' }],
    ['application/yaml;q=0.5,application/json', { format: 'json', as: '' }],
  ])('%s', (header, expected) => {
    expect(negotiate(header, ['Table', 'PartialObjectMetadata'])).toEqual(expected);
  });

  it.each(['text/csv', 'application/*', 'application/json;as=Nothing'])('refuses %s', header => {
    expect(() => negotiate(header, ['Table'])).toThrow(/406: Not Acceptable/);
  });
});

describe('parseJson', () => {
  it.each([['{"a":[1,-2.5e3,true,null,"x\\u00e9\\n"],"b":{}}'], ['"\\ud83d\\ude00"'], ['  [ ]  '], ['0']])(
    'reads %s as JSON.parse does',
    text => {
      expect(parseJson(text).value).toEqual(JSON.parse(text));
    },
  );

  it('names members given twice, and keeps the last', () => {
    expect(parseJson('{"a":{"b":1,"b":2},"l":[{"c":1,"c":1}]}')).toEqual({
      value: { a: { b: 2 }, l: [{ c: 1 }] },
      duplicates: ['a.b', 'l[0].c'],
    });
  });

  it('keeps a member called __proto__ a member', () => {
    const { value } = parseJson('{"__proto__":{"polluted":true}}');
    expect(Object.hasOwn(value as object, '__proto__')).toBe(true);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each([
    ['{"a":1', 'unexpected end of JSON input'],
    ['', 'unexpected end of JSON input'],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['[1 2]', "invalid character '2' after array element"],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
    ['tru', 'unexpected end of JSON input'],
    ['nulx', "invalid character 'x' in literal null (expecting 'l')"],
    ['1 1', "invalid character '1' after top-level value"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['['.repeat(2000), 'exceeded max depth'],
  ])('refuses %s as Go does', (text, message) => {
    expect(() => parseJson(text)).toThrow(new JsonSyntaxError(message));
  });
});

describe('continue tokens', () => {
  it('come back as they were', () => {
    const token = { revision: 17, namespace: 'ns', name: 'a.b' };
    expect(decodeContinue(encodeContinue(token))).toEqual(token);
  });

  it.each([
    '',
    'nonsense',
    Buffer.from('{}').toString('base64url'),
    Buffer.from('{"v":"meta.k8s.io/v1","rv":-1,"start":"x"}').toString('base64url'),
  ])('refuse %s', token => {
    expect(() => decodeContinue(token)).toThrow(ApiStatusError);
  });
});
