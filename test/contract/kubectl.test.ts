import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';

/**
 * What kubectl prints, and its exit code, for every version found on this machine: `kubectl.1.NN` beside the real
 * `kubectl`. With KUBECONFIG set the same table is played against that cluster instead of the embedded server.
 */

const versions = ['1.27', '1.28', '1.29', '1.30', '1.31', '1.32', '1.33'];
const cluster = process.env.KUBECONFIG;

/** The folder of the real kubectl; the versions lie beside it. */
async function kubectlFolder(): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, 'kubectl');
    if (folder !== '' && existsSync(candidate)) return dirname(await realpath(candidate));
  }
  return undefined;
}
const folder = await kubectlFolder();

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
interface Step {
  readonly says: string;
  readonly run: string;
  /** Applied as YAML on standard input. */
  readonly stdin?: object | readonly object[];
  /** Default 0. */
  readonly code?: number;
  /** What standard output must be, or match. */
  readonly out?: string | RegExp;
  readonly err?: RegExp;
}

/** Splits a command line; quotes hold blanks together. */
const words = (line: string): string[] => [...line.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(m => m[0].replaceAll("'", ''));
/** What differs from run to run. */
const settle = (text: string): string =>
  text
    .split('\n')
    .map(line => line.trimEnd().replace(/\b\d+(?:s|m|m\d+s)\b(?=$| )/g, '<age>'))
    .join('\n')
    .trim();

const configMap = (k: string): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'c', labels: { app: 'x' } },
  data: { k },
});
const service = (spec: object, name = 's'): object => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec });
const web = { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] };

/** A kind of the run's own, so that versions never meet. */
const group = (id: string): string => `v${id}.kubectl.test`;
const crd = (id: string): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `ponds.${group(id)}` },
  spec: {
    group: group(id),
    scope: 'Namespaced',
    names: { plural: 'ponds', singular: 'pond', kind: 'Pond', shortNames: [`po${id}`], categories: [`waters${id}`] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: 'Depth', type: 'integer', jsonPath: '.spec.depth' },
          { name: 'Fish', type: 'string', jsonPath: '.spec.fish[0]', priority: 1 },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['depth'],
                properties: {
                  depth: { type: 'integer', minimum: 1, description: 'How deep the pond is, in metres.' },
                  fish: { type: 'array', maxItems: 8, items: { type: 'string', maxLength: 20 } },
                },
                'x-kubernetes-validations': [{ rule: "!has(self.fish) || !self.fish.exists(f, f == 'shark')", message: 'no sharks' }],
              },
              status: { type: 'object', properties: { ready: { type: 'boolean' } } },
            },
          },
        },
      },
    ],
  },
});
const pond = (id: string, spec: object, name = 'p'): object => ({ apiVersion: `${group(id)}/v1`, kind: 'Pond', metadata: { name }, spec });

const steps = (id: string): Step[] => [
  { says: 'apply creates', run: 'apply -f -', stdin: configMap('1'), out: 'configmap/c created' },
  { says: 'apply again changes nothing', run: 'apply -f -', stdin: configMap('1'), out: 'configmap/c unchanged' },
  { says: 'apply changes', run: 'apply -f -', stdin: configMap('2'), out: 'configmap/c configured' },
  { says: 'get one field', run: 'get configmap c -o jsonpath={.data.k}', out: '2' },
  { says: 'diff finds a difference', run: 'diff -f -', stdin: configMap('3'), code: 1, out: /^\+ {2}k: "3"$/m },
  { says: 'diff finds none', run: 'diff -f -', stdin: configMap('2'), out: '' },
  {
    says: 'a dry run on the server',
    run: 'apply --dry-run=server -f -',
    stdin: configMap('4'),
    out: 'configmap/c configured (server dry run)',
  },
  {
    says: 'server-side apply takes over what client-side apply made',
    run: 'apply --server-side -f -',
    stdin: configMap('2'),
    out: 'configmap/c serverside-applied',
  },
  {
    says: 'server-side apply tells of conflicts',
    run: 'apply --server-side --field-manager=other -f -',
    stdin: configMap('5'),
    code: 1,
    err: /Apply failed with \d conflicts?: conflicts? with "kubectl"[\s\S]*\.data\.k[\s\S]*--force-conflicts/,
  },
  {
    says: 'and can be forced',
    run: 'apply --server-side --field-manager=other --force-conflicts -f -',
    stdin: configMap('5'),
    out: 'configmap/c serverside-applied',
  },
  { says: 'label', run: 'label configmap c tier=back', out: 'configmap/c labeled' },
  { says: 'annotate', run: 'annotate configmap c note=hello', out: /^configmap\/c annotated?$/ },
  { says: 'select by label', run: 'get configmap -l tier=back,app!=y -o name', out: 'configmap/c' },
  { says: 'select by field', run: 'get configmap --field-selector metadata.name=c -o name', out: 'configmap/c' },
  { says: 'replace', run: 'replace -f -', stdin: configMap('6'), out: 'configmap/c replaced' },
  {
    says: 'patch with JSON',
    run: `patch configmap c --type=json -p [{"op":"replace","path":"/data/k","value":"7"}]`,
    out: 'configmap/c patched',
  },

  { says: 'a Service', run: 'apply -f -', stdin: service(web), out: 'service/s created' },
  {
    says: 'its table',
    run: 'get service s',
    out: /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\ns +ClusterIP +\S+ +<none> +80\/TCP +<age>$/,
  },
  { says: 'its wide table', run: 'get service s -o wide', out: /AGE +SELECTOR\n.* app=web$/ },
  {
    says: 'ports merge by number',
    run: 'apply -f -',
    stdin: service({ ...web, ports: [...web.ports, { name: 'alt', port: 81 }] }),
    out: 'service/s configured',
  },
  { says: 'and can be taken away', run: 'apply -f -', stdin: service(web), out: 'service/s configured' },
  { says: 'one is left', run: 'get service s -o jsonpath={.spec.ports[*].port}', out: '80' },
  {
    says: 'an unknown field is an error',
    run: 'apply -f -',
    stdin: service({ ...web, selektor: {} }, 't'),
    code: 1,
    err: /strict decoding error: unknown field "spec\.selektor"/,
  },
  {
    says: 'an invalid object is explained',
    run: 'apply -f -',
    stdin: service({ selector: { a: 'b' } }, 'u'),
    code: 1,
    err: /The Service "u" is invalid: spec\.ports: Required value/,
  },
  { says: 'describe', run: 'describe service s', out: /^Name: +s\n[\s\S]*^Port: +http +80\/TCP$/m },
  {
    says: 'explain prints the real text',
    run: 'explain service.spec.ports.nodePort',
    out: /FIELD: nodePort <integer>[\s\S]*The port on each node on which this service is exposed/,
  },

  { says: 'nothing there', run: 'get secrets', out: '', err: /No resources found in \S+ namespace\./ },
  { says: 'not there', run: 'get configmap nope', code: 1, err: /^Error from server \(NotFound\): configmaps "nope" not found/m },
  { says: 'no such kind', run: 'get unicorns', code: 1, err: /the server doesn't have a resource type "unicorns"/ },

  { says: 'create secret', run: 'create secret generic top --from-literal=a=b', out: 'secret/top created' },
  { says: 'create deployment', run: 'create deployment d --image=nginx:1 --replicas=1 --port=80', out: 'deployment.apps/d created' },
  { says: 'create a Service by options', run: 'create service clusterip two --tcp=80:8080', out: 'service/two created' },
  { says: 'create serviceaccount', run: 'create serviceaccount robot', out: 'serviceaccount/robot created' },
  { says: 'create role', run: 'create role reader --verb=get --resource=pods', out: 'role.rbac.authorization.k8s.io/reader created' },
  {
    says: 'create rolebinding',
    run: 'create rolebinding read --role=reader --user=someone',
    out: 'rolebinding.rbac.authorization.k8s.io/read created',
  },
  { says: 'create job', run: 'create job once --image=busybox -- true', out: 'job.batch/once created' },
  { says: 'create cronjob', run: `create cronjob often --image=busybox --schedule='*/5 * * * *'`, out: 'cronjob.batch/often created' },
  { says: 'create ingress', run: 'create ingress in --rule=a.example.com/*=s:80', out: 'ingress.networking.k8s.io/in created' },
  { says: 'create quota', run: 'create quota few --hard=configmaps=50', out: 'resourcequota/few created' },
  {
    says: 'create pdb',
    run: 'create poddisruptionbudget most --selector=app=d --min-available=1',
    out: 'poddisruptionbudget.policy/most created',
  },
  { says: 'create token', run: 'create token robot', out: /^[\w-]+\.[\w-]+\.[\w-]+$/ },
  { says: 'a second time', run: 'create secret generic top --from-literal=a=b', code: 1, err: /secrets "top" already exists/ },

  { says: 'scale', run: 'scale deployment d --replicas=2', out: 'deployment.apps/d scaled' },
  { says: 'set image', run: 'set image deployment/d nginx=nginx:2', out: 'deployment.apps/d image updated' },
  { says: 'rollout restart', run: 'rollout restart deployment/d', out: 'deployment.apps/d restarted' },
  {
    says: 'what it made of it',
    run: `get deployment d -o jsonpath='{.spec.replicas} {.spec.template.spec.containers[0].image}'`,
    out: '2 nginx:2',
  },
  { says: 'may I', run: 'auth can-i create services', out: 'yes' },
  { says: 'api-resources', run: 'api-resources --api-group=apps -o name', out: /deployments\.apps/ },

  { says: 'a CRD', run: 'apply -f -', stdin: crd(id), out: `customresourcedefinition.apiextensions.k8s.io/ponds.${group(id)} created` },
  {
    says: 'wait until it is established',
    run: `wait --for=condition=Established --timeout=20s crd/ponds.${group(id)}`,
    out: `customresourcedefinition.apiextensions.k8s.io/ponds.${group(id)} condition met`,
  },
  { says: 'a custom resource', run: 'apply -f -', stdin: pond(id, { depth: 3, fish: ['carp'] }), out: `pond.${group(id)}/p created` },
  { says: 'its columns', run: `get ponds.${group(id)}`, out: 'NAME   DEPTH\np      3' },
  { says: 'its wide columns, by short name', run: `get po${id} -o wide`, out: 'NAME   DEPTH   FISH\np      3       carp' },
  { says: 'by category', run: `get waters${id} -o name`, out: `pond.${group(id)}/p` },
  { says: 'apply changes it', run: 'apply -f -', stdin: pond(id, { depth: 4 }), out: `pond.${group(id)}/p configured` },
  {
    says: 'its schema is kept',
    run: 'apply -f -',
    stdin: pond(id, { depth: 0 }, 'q'),
    code: 1,
    err: /The Pond "q" is invalid: spec\.depth: Invalid value: 0: spec\.depth in body should be greater than or equal to 1/,
  },
  {
    says: 'its rules are kept',
    run: 'apply -f -',
    stdin: pond(id, { depth: 9, fish: ['shark'] }, 'q'),
    code: 1,
    err: /The Pond "q" is invalid: spec: Invalid value: .*no sharks/,
  },
  {
    says: 'patch its status',
    run: `patch ponds.${group(id)} p --subresource=status --type=merge -p {"status":{"ready":true}}`,
    out: `pond.${group(id)}/p patched`,
  },
  {
    says: 'wait for a field',
    run: `wait --for=jsonpath={.status.ready}=true --timeout=10s ponds.${group(id)}/p`,
    out: `pond.${group(id)}/p condition met`,
  },
  { says: 'explain it', run: `explain pond.spec.depth --api-version=${group(id)}/v1`, out: /How deep the pond is, in metres\./ },
  { says: 'delete it', run: `delete ponds.${group(id)} p`, out: new RegExp(`^pond\\.${group(id).replaceAll('.', '\\.')} "p" deleted`) },
  {
    says: 'delete its CRD',
    run: `delete crd ponds.${group(id)}`,
    out: `customresourcedefinition.apiextensions.k8s.io "ponds.${group(id)}" deleted`,
  },

  { says: 'delete by label', run: 'delete configmap -l app=x', out: /^configmap "c" deleted/ },
  { says: 'delete what is not there', run: 'delete service nope', code: 1, err: /services "nope" not found/ },
  { says: 'and do not mind', run: 'delete service nope --ignore-not-found', out: '' },
];

describe.each(versions)('kubectl %s', version => {
  const binary = folder === undefined ? '' : join(folder, `kubectl.${version}`);
  const missing = binary === '' || !existsSync(binary);
  if (missing)
    console.warn(`kubectl ${version} is not on this machine (no kubectl.${version} beside kubectl): its part of the table is skipped`);
  const id = version.replace('.', '');
  const namespace = `kubectl-${id}`;
  let server: ApiServer | undefined;
  let home = '';

  const kubectl = (args: readonly string[], stdin?: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const env = { PATH: process.env.PATH ?? '', HOME: home, KUBECONFIG: cluster ?? join(home, 'config') };
      const child = execFile(
        binary,
        ['--cache-dir', join(home, 'cache'), '--namespace', namespace, ...args],
        { env, timeout: 60_000 },
        (error, out, err) => {
          if (error && typeof error.code !== 'number') reject(error);
          else resolve({ code: Number(error?.code ?? 0), out, err });
        },
      );
      child.stdin?.end(stdin);
    });

  beforeAll(async () => {
    if (missing) return;
    home = await mkdtemp(join(tmpdir(), 'kubectl-'));
    if (cluster === undefined) {
      server = await startApiServer({ port: 0 });
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster: { server: server.url } }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: '' } }],
        'current-context': 'x',
      };
      await writeFile(join(home, 'config'), stringify(config));
    }
    const made = await kubectl(['create', 'namespace', namespace]);
    expect(made, made.err).toMatchObject({ code: 0, out: `namespace/${namespace} created\n` });
  });

  afterAll(async () => {
    if (missing) return;
    if (cluster !== undefined) await kubectl(['delete', 'namespace', namespace, '--wait=false']);
    await server?.close();
    await rm(home, { recursive: true, force: true });
  });

  it.skipIf(missing).each(steps(id))('$says', async step => {
    const docs =
      step.stdin === undefined
        ? undefined
        : [step.stdin]
            .flat()
            .map(d => stringify(d))
            .join('---\n');
    const answer = await kubectl(words(step.run), docs);
    expect(answer.code, `${answer.out}${answer.err}`).toBe(step.code ?? 0);
    if (step.out !== undefined) {
      if (typeof step.out === 'string') expect(settle(answer.out)).toBe(step.out);
      else expect(settle(answer.out)).toMatch(step.out);
    }
    if (step.err) expect(answer.err).toMatch(step.err);
  });
});
