import { describe, expect, it } from 'vitest';
import { compileLabelSelector, parseFieldSelector, parseLabelSelector } from './index.ts';

const objects = { a: { app: 'x', n: '0' }, b: { app: 'x', n: '1' }, c: { app: 'y', n: '2' } };
const selected = (text: string): string => {
  const parsed = parseLabelSelector(text);
  if (!parsed.ok) return parsed.message;
  return Object.entries(objects)
    .flatMap(([name, labels]) => (parsed.value.matches(labels) ? [name] : []))
    .join('');
};

describe('label selectors', () => {
  const table: [string, string][] = [
    ['', 'abc'],
    ['app=x', 'ab'],
    ['app==x', 'ab'],
    ['app!=x', 'c'],
    ['app in (x,y)', 'abc'],
    ['app in ( y )', 'c'],
    ['app notin (x)', 'c'],
    ['none notin (x)', 'abc'],
    ['app', 'abc'],
    ['!app', ''],
    ['!none', 'abc'],
    ['app=x,n=1', 'b'],
    ['app=', ''],
    ['n>0', 'bc'],
    ['n<1', 'a'],
    ['in in (a)', ''],
    ['app=x,,', "found ',', expected: identifier after ','"],
    ['n>x', "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"],
    ['=x', "found '=', expected: !, identifier, or 'end of string'"],
    ['!app=x', "found '=', expected: ',' or 'end of string'"],
    ['app x', "unable to parse requirement: found 'x', expected: in, notin, =, ==, !=, gt, lt"],
    ['app in x', "unable to parse requirement: found 'x' expected: '('"],
  ];
  it.each(table)('%s', (text, expected) => {
    expect(selected(text)).toBe(expected);
  });

  it('reads metav1.LabelSelector', () => {
    const parsed = compileLabelSelector({ matchLabels: { app: 'x' }, matchExpressions: [{ key: 'n', operator: 'NotIn', values: ['0'] }] });
    expect(parsed.ok && [parsed.value.matches(objects.a), parsed.value.matches(objects.b)]).toEqual([false, true]);
    expect(compileLabelSelector({ matchExpressions: [{ key: 'n', operator: 'Near' }] }).ok).toBe(false);
  });
});

const match = (text: string, kind: string, object: object, group = '', selectable?: string[]): boolean | string => {
  const parsed = parseFieldSelector(text, { group, version: 'v1', kind }, selectable);
  return parsed.ok ? parsed.value.matches(object as never) : parsed.message;
};

describe('field selectors', () => {
  const pod = { metadata: { name: 'p', namespace: 'n' }, spec: { nodeName: 'node-1' }, status: { phase: 'Running' } };
  const table: [string, string, object, boolean | string][] = [
    ['metadata.name=p', 'Pod', pod, true],
    ['metadata.name==p,metadata.namespace!=n', 'Pod', pod, false],
    ['spec.nodeName=node-1,status.phase!=Failed,status.phase!=Succeeded', 'Pod', pod, true],
    ['spec.type=LoadBalancer', 'Service', { spec: { type: 'ClusterIP' } }, false],
    ['involvedObject.name=s,type=Normal', 'Event', { involvedObject: { name: 's' }, type: 'Normal' }, true],
    ['involvedObject.colour=red', 'Event', {}, 'field label not supported: involvedObject.colour'],
    ['data.k=a', 'ConfigMap', {}, '"data.k" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    ['metadata.name', 'ConfigMap', {}, "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
    ['spec.unschedulable=false', 'Node', { spec: {} }, true],
    ['metadata.name=a\\,b', 'Pod', { metadata: { name: 'a,b' } }, true],
  ];
  it.each(table)('%s of a %s', (text, kind, object, expected) => {
    expect(match(text, kind, object)).toBe(expected);
  });

  it('takes what a CRD declares', () => {
    expect(match('spec.mode=B', 'Pool', { spec: { mode: 'B' } }, 'example.com', ['.spec.mode'])).toBe(true);
    expect(match('spec.size=1', 'Pool', {}, 'example.com', ['.spec.mode'])).toBe('field label not supported: spec.size');
  });

  it('tells the one name it can match', () => {
    const parsed = parseFieldSelector('metadata.name=x', { group: '', version: 'v1', kind: 'Pod' });
    expect(parsed.ok && parsed.value.name).toBe('x');
  });
});
