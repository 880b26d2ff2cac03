import { run } from '@bufbuild/cel';
import { helmPath, template } from '@herald/charts';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

interface Policy {
  kind: string;
  spec: {
    matchConditions: { expression: string }[];
    variables: { name: string; expression: string }[];
    validations: { expression: string; message: string }[];
  };
}

type Bindings = NonNullable<Parameters<typeof run>[1]>;

const speaker = 'system:serviceaccount:herald-system:herald-speaker';
const owner = (node: string, ip = '10.0.0.1') => ({ ip, node, segment: '10.0.0.0/24' });

const moving = (change: object) => ({
  ...owner('n2'),
  epoch: 4,
  mac: '02:00:00:00:00:02',
  draining: { node: 'n1', since: '2026-01-01T00:00:00Z', until: '2026-01-01T00:01:00Z', ...change },
});

interface Case {
  title: string;
  user?: string;
  node?: string | null;
  resource: 'speakers' | 'announcements';
  object: object;
  oldObject?: object;
  /** Message of the refusal; undefined: admitted; null: the policy does not apply. */
  refused?: string | null;
}

describe.skipIf(helmPath() === undefined)('the admission policy of the chart', () => {
  let policy: Policy;

  beforeAll(async () => {
    const text = await template(['admissionPolicy.enabled=true'], ['--show-only', 'templates/admissionpolicy.yaml']);
    policy = parseAllDocuments(text)
      .map(document => document.toJS() as Policy)
      .find(({ kind }) => kind === 'ValidatingAdmissionPolicy') as Policy;
  });

  /** What the API server does with a policy: conditions, then variables, then validations. */
  function judge({ user = speaker, node = 'n1', resource, object, oldObject = { metadata: {} } }: Case): string | null | undefined {
    const extra = node === null ? {} : { extra: { 'authentication.kubernetes.io/node-name': [node] } };
    const bindings = { request: { userInfo: { username: user, ...extra }, resource: { resource } }, object, oldObject };
    if (!policy.spec.matchConditions.every(({ expression }) => run(expression, bindings as Bindings) === true)) return null;
    const variables = Object.fromEntries(
      policy.spec.variables.map(({ name, expression }) => [name, run(expression, bindings as Bindings)]),
    );
    return policy.spec.validations.find(({ expression }) => run(expression, { ...bindings, variables } as Bindings) !== true)?.message;
  }

  it.each<Case>([
    { title: 'a speaker and its own Speaker', resource: 'speakers', object: { metadata: { name: 'n1' } } },
    { title: "a speaker and another one's Speaker", resource: 'speakers', object: { metadata: { name: 'n2' } }, refused: 'own node only' },
    {
      title: 'a speaker whose token names no node',
      node: null,
      resource: 'speakers',
      object: { metadata: { name: 'n1' } },
      refused: 'names no node',
    },
    { title: 'a claim for its own node', resource: 'announcements', object: { status: { owners: [owner('n1')] } } },
    {
      title: 'a claim for another node',
      resource: 'announcements',
      object: { status: { owners: [owner('n2')] } },
      refused: 'claims addresses',
    },
    {
      title: 'the claims of others left as they are',
      resource: 'announcements',
      object: { status: { owners: [owner('n2'), owner('n1', '10.0.0.2')] } },
      oldObject: { status: { owners: [owner('n2')] } },
    },
    {
      title: 'the connections left on its own node, in the claim of the node that took over',
      resource: 'announcements',
      object: { status: { owners: [moving({ flows: 3 })] } },
      oldObject: { status: { owners: [moving({ flows: 7 })] } },
    },
    {
      title: 'the connections left on another node',
      node: 'n3',
      resource: 'announcements',
      object: { status: { owners: [moving({ flows: 3 })] } },
      oldObject: { status: { owners: [moving({ flows: 7 })] } },
      refused: 'claims addresses',
    },
    {
      title: 'the end of a move, told by the node that took over',
      node: 'n2',
      resource: 'announcements',
      object: { status: { owners: [owner('n2')] } },
      oldObject: { status: { owners: [moving({ flows: 3 })] } },
    },
    {
      title: 'the claim of another node changed',
      resource: 'announcements',
      object: { status: { owners: [owner('n2', '10.0.0.3')] } },
      oldObject: { status: { owners: [owner('n2')] } },
      refused: 'claims addresses',
    },
    { title: 'no claims', resource: 'announcements', object: { status: {} } },
    { title: 'somebody else', user: 'admin', node: null, resource: 'speakers', object: { metadata: { name: 'n9' } }, refused: null },
  ])('$title', entry => {
    const { refused } = entry;
    if (typeof refused === 'string') expect(judge(entry)).toContain(refused);
    else expect(judge(entry)).toBe(refused);
  });
});
