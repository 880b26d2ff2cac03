import { execFile, execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chartFiles, chartFolder, helm, helmPath, manifestFiles, template } from '@herald/charts';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { applyObject, type Manifest } from './apply.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

interface Container {
  name: string;
  args: string[];
  securityContext: {
    allowPrivilegeEscalation?: boolean;
    readOnlyRootFilesystem?: boolean;
    capabilities: { drop: string[]; add?: string[] };
  };
  volumeMounts: { name: string }[];
}

interface Workload extends Manifest {
  spec: {
    replicas?: number;
    strategy?: object;
    updateStrategy?: object;
    selector: { matchLabels: Record<string, string> };
    template: {
      metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
      spec: {
        serviceAccountName: string;
        hostNetwork?: boolean;
        securityContext: { runAsNonRoot?: boolean; seccompProfile: { type: string } };
        tolerations?: { key?: string }[];
        affinity?: object;
        topologySpreadConstraints?: object[];
        priorityClassName?: string;
        containers: Container[];
        volumes: { name: string }[];
      };
    };
  };
}

interface Role extends Manifest {
  rules: { apiGroups: string[]; resources: string[]; resourceNames?: string[]; verbs: string[] }[];
}

interface Binding extends Manifest {
  roleRef: { kind: string; name: string };
  subjects: { kind: string; name: string; namespace: string }[];
}

function has(program: string): boolean {
  try {
    execFileSync(program, ['version', '--client'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const parse = (text: string): Manifest[] => parseAllDocuments(text).flatMap(document => (document.toJS() as Manifest | null) ?? []);
const render = async (...settings: string[]): Promise<Manifest[]> => parse(await template(settings));

const kindsOf = async (...settings: string[]): Promise<string[]> => (await render(...settings)).map(({ kind }) => kind);

function find(objects: readonly Manifest[], kind: string, name: string): Manifest {
  const found = objects.find(object => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`the chart makes no ${kind} ${name}`);
  return found;
}

const namesOf = (objects: readonly Manifest[]): string[] => objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`).toSorted();

const workload = (objects: readonly Manifest[], kind: string, name: string): Workload => find(objects, kind, name) as Workload;

const everything = [
  'networkPolicy.enabled=true',
  'admissionPolicy.enabled=true',
  'metrics.serviceMonitor.enabled=true',
  'metrics.podMonitor.enabled=true',
  'metrics.prometheusRule.enabled=true',
  'metrics.prometheusRule.excludePools={lab,test}',
  'metrics.dashboard.enabled=true',
  'metrics.scrapeAnnotations=true',
  'speaker.netAdmin=true',
  'speaker.bpf=true',
  'speaker.bgpListenPort=179',
  'speaker.responder=auto',
  'speaker.pin.enabled=true',
  'speaker.nodeForwarding=true',
  'speaker.tolerations[0].operator=Exists',
  'readMetalLB.enabled=true',
  'controller.nodeMode.protectedPorts=22/TCP',
  'speaker.excludeInterfaces={^wg}',
  'controller.extraArgs={--kube-api-qps=500}',
  'image.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000',
  'loadBalancerClass=heraldlb.io/pool',
  'commonLabels.team=net',
  'namespace.create=true',
  'ipAddressPools[0].name=lan',
  'ipAddressPools[0].labels.zone=x',
  'ipAddressPools[0].spec.addresses={10.0.0.0/24}',
  'l2Advertisements[0].name=lan',
  'l2Advertisements[0].spec.ipAddressPools={lan}',
  'bgpPeers[0].name=tor',
  'bgpPeers[0].spec.myASN=64500',
  'bgpPeers[0].spec.peerASN=64501',
  'bgpPeers[0].spec.peerAddress=10.0.0.1',
];

const matrix: { title: string; settings: string[] }[] = [
  { title: 'defaults', settings: [] },
  { title: 'everything on', settings: everything },
  {
    title: 'one controller, no snapshot',
    settings: ['controller.replicas=1', 'speaker.snapshot.enabled=false'],
  },
  {
    title: 'names of its own',
    settings: ['fullnameOverride=lb', 'controller.serviceAccount.create=false', 'controller.serviceAccount.name=theirs'],
  },
  { title: 'no roles, no secret', settings: ['rbac.create=false', 'mesh.secret.create=false', 'speaker.tolerateControlPlane=false'] },
];

describe('what is generated of the chart is up to date (npm run charts)', () => {
  it.each([...chartFiles()])('%s', async (path, content) => {
    expect(await readFile(root + path, 'utf8')).toBe(content);
  });
});

describe.skipIf(helmPath() === undefined)('the chart', () => {
  it('made deploy/ (npm run charts)', async () => {
    for (const [path, content] of await manifestFiles()) expect(await readFile(root + path, 'utf8')).toBe(content);
  });

  it.each(matrix)('is lint clean: $title', async ({ settings }) => {
    const sets = settings.flatMap(setting => ['--set', setting]);
    expect(await helm(['lint', '--strict', chartFolder, '--namespace', 'herald-system', ...sets])).toContain('0 chart(s) failed');
  });

  it.each(matrix)('holds together: $title', async ({ settings }) => {
    const objects = await render(...settings);
    const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`);
    expect(new Set(names).size, 'no object twice').toBe(names.length);
    const workloads = objects.filter(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet') as Workload[];
    expect(workloads).toHaveLength(2);
    for (const { spec } of workloads) {
      const { metadata, spec: pod } = spec.template;
      expect(metadata.labels).toMatchObject(spec.selector.matchLabels);
      expect(pod.securityContext.seccompProfile.type).toBe('RuntimeDefault');
      for (const container of pod.containers) {
        // A value that the chart does not have renders as nothing, and the process would not start.
        expect(container.args.filter(flag => flag.endsWith('='))).toEqual([]);
        expect(container.securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(pod.volumes.map(({ name }) => name).toSorted()).toEqual(container.volumeMounts.map(({ name }) => name).toSorted());
      }
    }
    for (const binding of objects.filter(({ kind }) => kind.endsWith('Binding') && !kind.startsWith('Validating')) as Binding[]) {
      find(objects, binding.roleRef.kind, binding.roleRef.name);
      const accounts = workloads.map(({ spec }) => spec.template.spec.serviceAccountName);
      for (const subject of binding.subjects) expect(accounts).toContain(subject.name);
    }
  });

  it('grants no wildcard, and Secrets only in its own namespace', async () => {
    const roles = (await render('rbac.aggregate=false')).filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole') as Role[];
    expect(roles).toHaveLength(4);
    for (const { kind, rules } of roles) {
      for (const { apiGroups, resources, verbs } of rules) {
        expect([...apiGroups, ...resources, ...verbs]).not.toContain('*');
        if (kind === 'ClusterRole') expect(resources).not.toContain('secrets');
      }
    }
  });

  it.each<{ settings: string[]; add: string[] }>([
    { settings: [], add: ['NET_RAW'] },
    { settings: ['speaker.netAdmin=true', 'speaker.bpf=true'], add: ['NET_RAW', 'NET_ADMIN', 'BPF'] },
    { settings: ['speaker.bgpListenPort=179'], add: ['NET_RAW', 'NET_BIND_SERVICE'] },
  ])('gives the speaker $add and nothing else', async ({ settings, add }) => {
    const objects = await render(...settings);
    const { spec: speaker } = workload(objects, 'DaemonSet', 'herald-speaker').spec.template;
    expect(speaker.hostNetwork).toBe(true);
    expect(speaker.containers[0]?.securityContext.capabilities.add).toEqual(add);
    const { spec: controller } = workload(objects, 'Deployment', 'herald-controller').spec.template;
    expect(controller.hostNetwork).toBeUndefined();
    expect(controller.securityContext.runAsNonRoot).toBe(true);
    expect(controller.containers[0]?.securityContext.capabilities.add).toBeUndefined();
  });

  it.each(['controller', 'speaker'])('starts herald %s with flags that it has', async component => {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', 'cli/herald.ts', component, '--help'], { cwd: root });
    const known = new Set(stdout.match(/--[a-z][a-z-]+/g));
    const objects = await render(...everything);
    const { spec } = workload(objects, component === 'speaker' ? 'DaemonSet' : 'Deployment', `herald-${component}`).spec.template;
    const [command, ...flags] = spec.containers[0]?.args ?? [];
    expect(command).toBe(component);
    for (const flag of flags) {
      expect(known, flag).toContain(flag.split('=')[0]);
      expect(flag, 'has a value').toMatch(/=./);
    }
  });

  it('keeps the controllers on different nodes and in different zones, as far as there are any', async () => {
    const { spec } = workload(await render(), 'Deployment', 'herald-controller');
    const { metadata, spec: pod } = spec.template;
    const own = { 'app.kubernetes.io/name': 'herald', 'app.kubernetes.io/instance': 'herald', 'app.kubernetes.io/component': 'controller' };
    expect(metadata.labels).toMatchObject(own);
    const podAffinityTerm = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: own } };
    expect(pod.affinity).toEqual({
      podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] },
    });
    expect(pod.topologySpreadConstraints).toEqual([
      {
        maxSkew: 1,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: own },
      },
    ]);
    const other = workload(await render('controller.affinity.nodeAffinity.x=y'), 'Deployment', 'herald-controller');
    expect(other.spec.template.spec.affinity, 'another one in its place').toEqual({ nodeAffinity: { x: 'y' } });
  });

  it.each<{ settings: string[]; classes: string[]; unavailable: number | string }>([
    { settings: [], classes: ['system-cluster-critical', 'system-node-critical'], unavailable: 1 },
    {
      settings: ['controller.priorityClassName=a', 'speaker.priorityClassName=b', 'speaker.maxUnavailable=20%'],
      classes: ['a', 'b'],
      unavailable: '20%',
    },
  ])('has priority classes $classes, and replaces $unavailable speakers at a time', async ({ settings, classes, unavailable }) => {
    const objects = await render(...settings);
    const controller = workload(objects, 'Deployment', 'herald-controller');
    const speaker = workload(objects, 'DaemonSet', 'herald-speaker');
    expect([controller, speaker].map(({ spec }) => spec.template.spec.priorityClassName)).toEqual(classes);
    expect(speaker.spec.updateStrategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: unavailable } });
    // A new controller is ready before the old one goes.
    expect(controller.spec.strategy).toEqual({ rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
  });

  it('makes the key of the heartbeats only where the chart is to', async () => {
    expect(namesOf(await render())).toContain('Secret/herald-mesh');
    expect(await kindsOf('mesh.secret.create=false')).not.toContain('Secret');
  });

  it('has a PodDisruptionBudget only where more than one controller runs', async () => {
    expect(await kindsOf()).toContain('PodDisruptionBudget');
    expect(await kindsOf('controller.replicas=1')).not.toContain('PodDisruptionBudget');
  });

  it.each<{ title: string; setting: string; part: string }>([
    { title: 'a misspelt value', setting: 'speaker.meshProfle=relaxed', part: 'meshProfle' },
    { title: 'an unknown profile', setting: 'speaker.meshProfile=fast', part: 'meshProfile' },
    { title: 'a port out of range', setting: 'controller.httpPort=70000', part: 'httpPort' },
    { title: 'a pool without addresses', setting: 'ipAddressPools[0].name=x', part: 'ipAddressPools' },
    { title: 'a pool with an unknown field', setting: 'ipAddressPools[0].spec.adresses={10.0.0.0/24}', part: 'adresses' },
    { title: 'a time to end beyond that of the pod', setting: 'speaker.leaveDeadline=22s', part: 'terminationGracePeriodSeconds is 30' },
    { title: 'routes that stay beyond the time of the pod', setting: 'speaker.bgpDrainTime=1m0.5s', part: 'set it to 69 or more' },
    { title: 'a time to end that is none', setting: 'speaker.leaveDeadline=soon', part: 'invalid duration' },
    { title: 'half a digest', setting: 'image.digest=sha256:00', part: 'digest' },
  ])('refuses $title', async ({ setting, part }) => {
    await expect(render(setting)).rejects.toThrow(part);
  });

  it('takes a long time to end where the pod has it', async () => {
    const settings = ['speaker.leaveDeadline=90s', 'speaker.terminationGracePeriodSeconds=98'];
    await expect(render(...settings)).rejects.toThrow('set it to 99 or more');
    expect(await template([...settings, 'speaker.terminationGracePeriodSeconds=99'])).toContain('terminationGracePeriodSeconds: 99\n');
  });
});

describe.skipIf(!has('kubectl'))('deploy/', () => {
  it('is a kustomization of everything in it', async () => {
    const { stdout } = await run('kubectl', ['kustomize', 'deploy'], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
    expect(namesOf(parse(stdout))).toEqual(namesOf(parse(await readFile(`${root}deploy/herald.yaml`, 'utf8'))));
  });
});

describe.skipIf(helmPath() === undefined)('the API server takes what the chart makes', () => {
  let server: ApiServer;

  beforeAll(async () => {
    server = await startApiServer({ port: 0 });
    for (const name of ['herald-system', 'metallb-system'])
      await applyObject(server.url, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  });

  afterAll(() => server.close());

  it('deploy/herald.yaml, in the order of the file', async () => {
    for (const object of parse(await readFile(`${root}deploy/herald.yaml`, 'utf8'))) {
      expect((await applyObject(server.url, object)).metadata.name).toBe(object.metadata.name);
    }
  });

  it.each(matrix)('$title', async ({ settings }) => {
    for (const object of await render(...settings)) {
      if (object.apiVersion.startsWith('monitoring.coreos.com/') || object.kind.startsWith('ValidatingAdmissionPolicy')) continue;
      expect((await applyObject(server.url, object)).metadata.name).toBe(object.metadata.name);
    }
  });
});
