import { type Address, equalAddresses, type Family, formatAddress, IpError, parseAddress, tryParseAddress } from '@herald/ip';
import type { AllocationRequest, Cause, FamilyPolicy } from './entry.ts';

/** A `v1` Service on the wire, as far as it is read here. */
export interface ServiceObject {
  readonly metadata?: {
    readonly name?: string | undefined;
    readonly namespace?: string | undefined;
    readonly uid?: string | undefined;
    readonly creationTimestamp?: string | undefined;
    readonly deletionTimestamp?: string | undefined;
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
  };
  readonly spec?: {
    readonly type?: string | undefined;
    readonly loadBalancerClass?: string | undefined;
    readonly loadBalancerIP?: string | undefined;
    readonly clusterIP?: string | undefined;
    readonly clusterIPs?: readonly string[] | undefined;
    readonly ipFamilies?: readonly string[] | undefined;
    readonly ipFamilyPolicy?: string | undefined;
    readonly ports?: readonly { readonly port: number; readonly protocol?: string | undefined }[] | undefined;
    readonly externalTrafficPolicy?: string | undefined;
    readonly externalIPs?: readonly string[] | undefined;
    readonly selector?: Readonly<Record<string, string>> | undefined;
  };
}

/** Which Services get addresses from pools. */
export interface ServiceClasses {
  /** Services without `spec.loadBalancerClass`. */
  readonly classless: boolean;
  /** Values of `spec.loadBalancerClass`. */
  readonly classes: ReadonlySet<string>;
}

/** Herald's own prefix and the two of MetalLB, in order of precedence; the last one is deprecated by MetalLB itself. */
export const annotationPrefixes = ['heraldlb.io', 'metallb.io', 'metallb.universe.tf'] as const;

/** A Service as the allocator takes it. */
export interface RequestResult {
  readonly request: AllocationRequest;
  /** Annotations of the deprecated prefix that it uses. */
  readonly deprecated: readonly string[];
}

/** Whether a Service is to get addresses from pools. Any other Service is never touched. */
export function isOurs(service: ServiceObject, { classless, classes }: ServiceClasses): boolean {
  if (service.spec?.type !== 'LoadBalancer') return false;
  const { loadBalancerClass } = service.spec;
  return loadBalancerClass === undefined || loadBalancerClass === '' ? classless : classes.has(loadBalancerClass);
}

/** `spec.externalIPs` of a Service of any type; what is no address is left out, because kube-proxy cannot use it either. */
export function externalIPsOf(service: ServiceObject): Address[] {
  return (service.spec?.externalIPs ?? []).flatMap(text => tryParseAddress(text) ?? []);
}

/** Reads what a Service asks for. A mistake or contradiction in it becomes `problem` and never an exception. */
export function buildRequest(service: ServiceObject): RequestResult {
  const { metadata = {}, spec = {} } = service;
  const { name = '', namespace = '', annotations = {} } = metadata;
  const reader = new AnnotationReader(annotations);
  const families = familiesOf(spec.ipFamilies, spec.clusterIPs);
  const policy = policyOf(spec.ipFamilyPolicy);
  const addresses = addressesOf(spec.loadBalancerIP, reader);
  const keepIP = reader.get('keep-ip');
  if (keepIP !== null && keepIP !== 'true' && keepIP !== 'false') {
    reader.fail('InvalidRequest', `annotation keep-ip must be "true" or "false", not ${JSON.stringify(keepIP.slice(0, 40))}`);
  }
  const pool = reader.get('address-pool');
  const sharingKey = reader.get('allow-shared-ip');
  if (spec.clusterIP === 'None' || families.length === 0) {
    reader.fail('HeadlessService', 'the Service has no cluster IP (clusterIP: None)');
  } else if (policy === 'RequireDualStack' && families.length < 2) {
    reader.fail('DualStackUnavailable', 'ipFamilyPolicy is RequireDualStack, but the Service has a cluster IP of one family only');
  }
  const request: AllocationRequest = {
    key: `${namespace}/${name}`,
    namespace,
    name,
    uid: metadata.uid ?? '',
    createdAt: timeOf(metadata.creationTimestamp),
    labels: metadata.labels ?? {},
    families,
    policy,
    addresses,
    pool,
    sharingKey,
    ports: (spec.ports ?? []).map(({ port, protocol }) => ({ port, protocol: protocol ?? 'TCP' })),
    trafficPolicy: spec.externalTrafficPolicy === 'Local' ? 'Local' : 'Cluster',
    selector: selectorText(spec.selector),
    keepAddress: keepIP === 'true',
    terminating: metadata.deletionTimestamp !== undefined,
    problem: reader.problem,
  };
  return { request, deprecated: reader.deprecated };
}

/** Reads annotations under all prefixes and keeps the first problem. */
class AnnotationReader {
  readonly #annotations: Readonly<Record<string, string>>;
  readonly deprecated: string[] = [];
  problem: Cause | null = null;

  constructor(annotations: Readonly<Record<string, string>>) {
    this.#annotations = annotations;
  }

  /** The value under whichever prefixes it is written; blank counts as absent, and different values are a contradiction. */
  get(name: string): string | null {
    let found: { key: string; value: string } | null = null;
    for (const prefix of annotationPrefixes) {
      const key = `${prefix}/${name}`;
      const value = Object.hasOwn(this.#annotations, key) ? (this.#annotations[key] ?? '').trim() : '';
      if (value === '') continue;
      if (prefix === 'metallb.universe.tf') this.deprecated.push(key);
      if (found === null) found = { key, value };
      else if (found.value !== value) this.fail('ContradictoryRequest', `annotations ${found.key} and ${key} differ; remove one of them`);
    }
    return found?.value ?? null;
  }

  fail(reason: Cause['reason'], message: string): void {
    this.problem ??= { reason, message };
  }
}

function addressesOf(loadBalancerIP: string | undefined, reader: AnnotationReader): Address[] {
  const field = parseList(loadBalancerIP ?? '', 'spec.loadBalancerIP', reader);
  const annotation = parseList(reader.get('loadBalancerIPs') ?? '', 'annotation loadBalancerIPs', reader);
  if (field.length === 0) return annotation;
  const [only] = field;
  const agrees = annotation.length === 0 || (only !== undefined && annotation.some(address => equalAddresses(address, only)));
  if (!agrees) {
    const texts = annotation.map(formatAddress).join(', ');
    reader.fail(
      'ContradictoryRequest',
      `spec.loadBalancerIP asks for ${loadBalancerIP}, annotation loadBalancerIPs for ${texts}; remove one`,
    );
  }
  return annotation.length > 0 ? annotation : field;
}

/** As many as an Announcement holds. An annotation may be far longer. */
const maxAddresses = 16;

function parseList(text: string, source: string, reader: AnnotationReader): Address[] {
  const addresses: Address[] = [];
  if (text.trim() === '') return addresses;
  for (const part of text.split(',', maxAddresses + 1)) {
    try {
      const address = parseAddress(part.trim());
      if (!addresses.some(other => equalAddresses(other, address))) addresses.push(address);
    } catch (error) {
      if (!(error instanceof IpError)) throw error;
      reader.fail('InvalidRequest', `${source}: ${error.message}`);
    }
  }
  if (addresses.length > maxAddresses) reader.fail('InvalidRequest', `${source}: more than ${maxAddresses} addresses`);
  return addresses.slice(0, maxAddresses);
}

/** `spec.ipFamilies`; from a cluster that does not know the field, the families of the cluster IPs. */
function familiesOf(ipFamilies: readonly string[] | undefined, clusterIPs: readonly string[] | undefined): Family[] {
  const named = (ipFamilies ?? []).flatMap((text): Family[] => (text === 'IPv4' ? [4] : text === 'IPv6' ? [6] : []));
  const families = named.length > 0 ? named : (clusterIPs ?? []).flatMap(text => tryParseAddress(text)?.family ?? []);
  return [...new Set(families)];
}

function policyOf(text: string | undefined): FamilyPolicy {
  return text === 'PreferDualStack' || text === 'RequireDualStack' ? text : 'SingleStack';
}

/** Milliseconds since the epoch; 0 for what is no time, so that the order stays total. */
function timeOf(text: string | undefined): number {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? 0 : time;
}

function selectorText(selector: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(selector ?? {}).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return pairs.map(([key, value]) => `${key}=${value}`).join(',');
}
