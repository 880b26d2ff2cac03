import { type Address, formatAddress, tryParseAddress } from '@herald/ip';
import type { KubeObject } from '@herald/kube';
import { type Finding, type Migrated, type Migration, migrated } from './finding.ts';
import { formatPreview, type PreviewRow, preview } from './preview.ts';

/** An object with the place it was read from. */
export interface Sourced {
  readonly object: KubeObject;
  readonly file: string;
  /** Line of `spec.externalIPs`, or of the object. */
  readonly line?: number;
}

/** A Service as it is to be applied. */
export interface ServiceManifest extends KubeObject {
  spec: Record<string, unknown>;
}

export interface ExternalIPsMigration extends Migration {
  readonly services: readonly ServiceManifest[];
  /** Which Service was at which address, and where it will be. */
  readonly rows: readonly PreviewRow[];
}

interface Spec extends Record<string, unknown> {
  type?: string;
  clusterIP?: string;
  ipFamilies?: string[];
  loadBalancerClass?: string;
  externalIPs?: string[];
  ports?: { port: number; protocol?: string }[];
}

const POOL = 'externalips';
const NODE_CLASS = 'heraldlb.io/node';
const SHARING = 'heraldlb.io/allow-shared-ip';
const REQUEST = 'heraldlb.io/loadBalancerIPs';
const DROPPED = new Set(['uid', 'resourceVersion', 'creationTimestamp', 'generation', 'managedFields', 'selfLink', 'deletionTimestamp']);
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Turns Services with `spec.externalIPs` into Services that Herald serves. An address that is a node's own cannot move to another node: such a
 * Service is published on all nodes (class `heraldlb.io/node`). Any other address is kept, in a pool of its own, for the Service that has it.
 *
 * @param now milliseconds since the epoch
 */
export function migrateExternalIPs(sources: readonly Sourced[], namespace: string, now: number): ExternalIPsMigration {
  const findings: Finding[] = [];
  const nodes = nodeAddresses(sources);
  const found = sources.filter(({ object }) => object.kind === 'Service' && (specOf(object).externalIPs ?? []).length > 0);
  if (found.length > 0 && nodes.size === 0)
    findings.push({
      level: 'note',
      file: '(all files)',
      message: 'there is no Node among the input: every address was taken for one that no node has',
    });
  const plans = found.flatMap(source => planOf(source, nodes, findings) ?? []);
  const holders = new Map<string, Plan[]>();
  for (const plan of plans) for (const ip of plan.keep) holders.set(ip, [...(holders.get(ip) ?? []), plan]);
  for (const [ip, sharers] of holders) if (sharers.length > 1) share(ip, sharers, findings);

  const pooled = plans.filter(({ keep }) => keep.length > 0);
  const objects = pooled.length === 0 ? [] : poolObjects(pooled, namespace);
  const services = plans.map(manifestOf);
  return { objects, findings, services, rows: rowsOf(plans, services, objects, nodes, now) };
}

/** The table of `--dry-run`. */
export function formatExternalIPs({ rows }: ExternalIPsMigration): string {
  return rows.length === 0 ? 'no Service has externalIPs\n' : formatPreview(rows);
}

interface Plan {
  readonly source: Sourced;
  readonly spec: Spec;
  readonly key: string;
  /** As written. */
  readonly before: readonly string[];
  /** Kept for the Service; empty: it goes to the nodes' own addresses. */
  readonly keep: readonly string[];
  readonly annotations: Record<string, string>;
}

function planOf(source: Sourced, nodes: ReadonlyMap<string, string>, findings: Finding[]): Plan | undefined {
  const { object, file, line } = source;
  const spec = specOf(object);
  const key = `${object.metadata.namespace ?? 'default'}/${object.metadata.name ?? ''}`;
  const tell = (level: Finding['level'], message: string): void => {
    findings.push({ level, file, ...(line === undefined ? {} : { line }), message: `Service ${key}: ${message}` });
  };
  const before = spec.externalIPs ?? [];
  if (spec.type === 'ExternalName' || spec.clusterIP === 'None') {
    tell(
      'note',
      `externalIPs have no effect on ${spec.type === 'ExternalName' ? 'an ExternalName' : 'a headless'} Service; it was left as it is`,
    );
    return undefined;
  }
  const addresses = before.flatMap(text => {
    const address = tryParseAddress(text);
    if (address === undefined) tell('lost', `${JSON.stringify(text)} is no address`);
    return address ?? [];
  });
  if (addresses.length === 0) return undefined;
  const own = addresses.filter(address => nodes.has(formatAddress(address)));
  const plan = { source, spec, key, before, annotations: {} };
  if (own.length === addresses.length) return toNodes(plan, own, nodes, tell);
  for (const address of own) {
    const ip = formatAddress(address);
    tell('lost', `${ip} belongs to node ${nodes.get(ip)} and cannot move with the others; who uses it must go to the new address`);
  }
  return {
    ...plan,
    keep: onePerFamily(
      addresses.filter(address => !own.includes(address)),
      spec,
      tell,
    ),
  };
}

type Tell = (level: Finding['level'], message: string) => void;

function toNodes(plan: Omit<Plan, 'keep'>, own: readonly Address[], nodes: ReadonlyMap<string, string>, tell: Tell): Plan | undefined {
  const names = own.map(address => `${formatAddress(address)} (node ${nodes.get(formatAddress(address))})`).join(', ');
  if (plan.spec.type === 'LoadBalancer' && plan.spec.loadBalancerClass !== NODE_CLASS) {
    tell(
      'lost',
      `it has the nodes' own ${names}, and is of type LoadBalancer already, whose class Kubernetes does not let change; delete it and make it anew with loadBalancerClass: ${NODE_CLASS}, or move its clients to its EXTERNAL-IP`,
    );
    return undefined;
  }
  tell(
    'changed',
    `${names} cannot leave its node; the Service is published on every node (class ${NODE_CLASS}), and clients should know more than one`,
  );
  return { ...plan, keep: [] };
}

/** A Service has one address per family. */
function onePerFamily(addresses: readonly Address[], spec: Spec, tell: Tell): string[] {
  const families = new Set((spec.ipFamilies ?? ['IPv4']).map(name => (name === 'IPv6' ? 6 : 4)));
  const kept = new Map<number, string>();
  for (const address of addresses) {
    const ip = formatAddress(address);
    if (!families.has(address.family)) tell('lost', `${ip} is of a family that the Service does not have (ipFamilies)`);
    else if (kept.has(address.family)) tell('lost', `${ip} is its second address of one family; make another Service for it`);
    else kept.set(address.family, ip);
  }
  return [...kept.values()];
}

/** Services on one address share it by a key, which they can while their ports differ. */
function share(ip: string, plans: readonly Plan[], findings: Finding[]): void {
  const ports = new Map<string, string>();
  for (const { source, spec, key, annotations, keep } of plans) {
    annotations[SHARING] ??= `externalip-${ip.replaceAll(':', '-')}`;
    annotations[REQUEST] = keep.join(',');
    for (const { port, protocol = 'TCP' } of spec.ports ?? []) {
      const id = `${protocol}/${port}`;
      const other = ports.get(id);
      if (other === undefined) ports.set(id, key);
      else
        findings.push({
          level: 'lost',
          file: source.file,
          ...(source.line === undefined ? {} : { line: source.line }),
          message: `Service ${key}: ${id} of ${ip} belongs to Service ${other} already; only one of the two was ever reached`,
        });
    }
  }
}

function poolObjects(plans: readonly Plan[], namespace: string): Migrated[] {
  const addresses = [...new Set(plans.flatMap(({ keep }) => keep))].map(ip => `${ip}/${ip.includes(':') ? 128 : 32}`);
  const alone = plans.filter(({ annotations }) => annotations[SHARING] === undefined);
  return [
    migrated('IPAddressPool', POOL, namespace, { addresses, autoAssign: false }),
    migrated('L2Advertisement', POOL, namespace, { ipAddressPools: [POOL] }),
    ...alone.map(({ key, keep }) => {
      const [space = '', name = ''] = key.split('/');
      return migrated('IPReservation', `${space}.${name}`, namespace, { service: { namespace: space, name }, addresses: [...keep] });
    }),
  ];
}

/** The whole Service, so that `kubectl apply` drops nothing of it; an empty list takes the addresses away however they came in. */
function manifestOf({ source, spec, keep, annotations }: Plan): ServiceManifest {
  const { metadata } = source.object;
  const kept = Object.entries(metadata.annotations ?? {}).filter(([name]) => name !== LAST_APPLIED);
  const all = { ...Object.fromEntries(kept), ...annotations };
  const rest = Object.fromEntries(Object.entries(metadata).filter(([name]) => !DROPPED.has(name) && name !== 'annotations'));
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...rest, ...(Object.keys(all).length > 0 ? { annotations: all } : {}) } as KubeObject['metadata'],
    spec: { ...spec, type: 'LoadBalancer', ...(keep.length === 0 ? { loadBalancerClass: NODE_CLASS } : {}), externalIPs: [] },
  };
}

function rowsOf(
  plans: readonly Plan[],
  services: readonly ServiceManifest[],
  objects: readonly Migrated[],
  nodes: ReadonlyMap<string, string>,
  now: number,
): PreviewRow[] {
  const all = services.map(service => ({ ...service, metadata: { namespace: 'default', ...service.metadata } }));
  const answers = new Map(preview(objects, all, [], now).map(row => [row.service, row]));
  return plans.map(({ key, before, keep, spec }) => {
    const answer = answers.get(key);
    if (keep.length > 0)
      return {
        service: key,
        before: [...before],
        after: answer?.after ?? [],
        reason: answer?.reason ?? '',
        message: answer?.message ?? '',
      };
    const families = spec.ipFamilies ?? ['IPv4'];
    const after = [...nodes.keys()].filter(ip => families.includes(ip.includes(':') ? 'IPv6' : 'IPv4'));
    return {
      service: key,
      before: [...before],
      after,
      reason: 'NodeAddressesListed',
      message: `class ${NODE_CLASS}: the addresses of all nodes`,
    };
  });
}

/** Node by address of its own. */
function nodeAddresses(sources: readonly Sourced[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { object } of sources) {
    if (object.kind !== 'Node') continue;
    const { addresses = [] } = ((object as { status?: unknown }).status ?? {}) as { addresses?: { type: string; address: string }[] };
    for (const { type, address } of addresses) {
      const parsed = type === 'InternalIP' || type === 'ExternalIP' ? tryParseAddress(address) : undefined;
      if (parsed !== undefined) found.set(formatAddress(parsed), object.metadata.name ?? '');
    }
  }
  return found;
}

function specOf(object: KubeObject): Spec {
  return ((object as { spec?: unknown }).spec ?? {}) as Spec;
}
