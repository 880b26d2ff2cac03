import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ExecResult, Program, run } from '@herald/playground';
import { imageCommand, imageUser } from './dockerfile.ts';

/** The part of a PodSpec that says what its process is and may do. */
export interface PodSpec {
  securityContext?: SecurityContext;
  containers: Container[];
  volumes?: { name: string; emptyDir?: object; hostPath?: { path: string } }[];
}

interface Container {
  name: string;
  args: string[];
  env?: { name: string; value?: string; valueFrom?: { fieldRef: { fieldPath: string } } }[];
  securityContext?: SecurityContext;
  volumeMounts?: { name: string; mountPath: string }[];
}

interface SecurityContext {
  runAsUser?: number;
  runAsGroup?: number;
  allowPrivilegeEscalation?: boolean;
  readOnlyRootFilesystem?: boolean;
  capabilities?: { drop?: string[]; add?: string[] };
}

export interface PodOptions {
  /** What the image holds. */
  image: string;
  /** The node binary in the place of the image's; this process's unless told. */
  node?: string;
  /** The network namespace of its node; none: that of this process. */
  netns?: string;
  /** The fields that the downward API gives, by path. */
  fields: Readonly<Record<string, string>>;
  /** The service account: its token, the authority of the API server, and where that is. */
  account: { token: string; ca: string; port: number };
  /** A folder for its volumes and its log. */
  folder: string;
  /** Where the BPF file system of its node is mounted, for pods that ask for it. */
  bpf?: string;
  /** How long it may take to say that it is ready (ms). */
  timeout?: number;
}

/**
 * What the container runtime does, in a mount namespace of its own: the image and its node under /run, the service account where pods find it,
 * volumes, and a read-only root. What lies under /tmp is mounted before /tmp itself.
 */
const SET_UP = `
set -e
image=$1 node=$2 account=$3 readonly=$4 volumes=$5 bpf=$6; shift 6
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/image /run/secrets/kubernetes.io/serviceaccount
mount --bind "$image" /run/image
touch /run/node
mount --bind "$node" /run/node
cp "$account"/* /run/secrets/kubernetes.io/serviceaccount/
if [ -n "$volumes" ]; then
  mount --bind "$volumes" /mnt
  mount -t tmpfs -o mode=755 tmpfs /var/lib
  for volume in /mnt/*; do
    if [ -d "$volume" ]; then mkdir "/var/lib/\${volume##*/}"; mount --bind "$volume" "/var/lib/\${volume##*/}"; fi
  done
fi
if [ -n "$bpf" ]; then mount --bind "$bpf" /sys/fs/bpf; fi
mount -t tmpfs -o mode=1777 tmpfs /tmp
if [ "$readonly" = true ]; then mount -o remount,bind,ro /; fi
cd /
exec "$@"
`;

/** Runs the first container of a pod as Kubernetes would: its words, user, capabilities, mounts and service account. Needs root. */
export function startPod(spec: PodSpec, options: PodOptions): Promise<Program> {
  const { argv, env, name } = command(spec, options);
  const [file, ...rest] = argv;
  const child: ChildProcess = spawn(file as string, rest, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  return Program.start(child, {
    name,
    logFile: join(options.folder, `${name}.log`),
    ready: /"msg":"ready"/,
    timeout: options.timeout ?? 30_000,
  });
}

/** The same for a pod that does something and ends. */
export function runPod(spec: PodSpec, options: PodOptions): Promise<ExecResult> {
  const { argv, env } = command(spec, options);
  return run(argv, { env, timeout: options.timeout ?? 30_000 });
}

function command(spec: PodSpec, options: PodOptions): { argv: string[]; env: Record<string, string>; name: string } {
  const container = spec.containers[0];
  if (container === undefined) throw new Error('the pod has no container');
  const { folder, fields } = options;
  const account = join(folder, 'account');
  mkdirSync(account, { recursive: true });
  for (const [file, content] of Object.entries({
    token: options.account.token,
    'ca.crt': options.account.ca,
    namespace: fields['metadata.namespace'] ?? '',
  })) {
    writeFileSync(join(account, file), content);
  }
  const words = [SET_UP, 'pod', options.image, options.node ?? process.execPath, account];
  const readOnly = container.securityContext?.readOnlyRootFilesystem === true;
  const env = environment(container, options);
  const args = container.args.map(word => word.replace(/\$\(([A-Z_]+)\)/g, (_, name: string) => env[name] ?? ''));
  const argv = [
    ...(options.netns === undefined ? [] : ['ip', 'netns', 'exec', options.netns]),
    'unshare',
    '--mount',
    'sh',
    '-c',
    ...words,
    String(readOnly),
    ...hostPaths(spec, container, options),
    'setpriv',
    ...privileges(spec, container),
    '--',
    ...imageCommand('/run/node', '/run/image'),
    ...args,
  ];
  return { argv, env, name: container.name };
}

/**
 * Folders of the node: that of its volumes, made as `DirectoryOrCreate` makes them, and its BPF file system; empty where the pod has none. Only
 * /var/lib/NAME and /sys/fs/bpf are provided for.
 */
function hostPaths(spec: PodSpec, container: Container, { folder, bpf }: PodOptions): [volumes: string, bpf: string] {
  const found: [string, string] = ['', ''];
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    if (!spec.volumes?.some(volume => volume.name === name && volume.hostPath !== undefined)) continue;
    if (mountPath === '/sys/fs/bpf' && bpf !== undefined) {
      found[1] = bpf;
      continue;
    }
    const [, directory] = /^\/var\/lib\/([a-z]+)$/.exec(mountPath) ?? [];
    if (directory === undefined) throw new Error(`cannot provide ${mountPath}`);
    found[0] = join(folder, 'volumes');
    mkdirSync(join(found[0], directory), { recursive: true });
  }
  return found;
}

function environment(container: Container, { account, fields }: PodOptions): Record<string, string> {
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String(account.port),
  };
  for (const { name, value, valueFrom } of container.env ?? []) {
    env[name] = value ?? fields[valueFrom?.fieldRef.fieldPath ?? ''] ?? '';
  }
  return env;
}

/** The words for setpriv: as runc does it, capabilities are bounded, none is ambient, and a user other than root keeps none over exec. */
export function privileges(spec: PodSpec, container: Container): string[] {
  const own = container.securityContext ?? {};
  const uid = own.runAsUser ?? spec.securityContext?.runAsUser ?? imageUser().uid;
  const gid = own.runAsGroup ?? spec.securityContext?.runAsGroup ?? (uid === 0 ? 0 : imageUser().gid);
  if (!own.capabilities?.drop?.includes('ALL')) throw new Error(`the container ${container.name} does not drop ALL capabilities`);
  const added = (own.capabilities.add ?? []).map(name => `+${name.toLowerCase()}`);
  const bounding = ['-all', ...added].join(',');
  const user = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups'];
  const held = ['--bounding-set', bounding, '--inh-caps', '-all', '--ambient-caps', '-all'];
  return ['--pdeathsig', 'KILL', ...user, ...held, ...(own.allowPrivilegeEscalation === false ? ['--no-new-privs'] : [])];
}
