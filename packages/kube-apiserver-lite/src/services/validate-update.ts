import { type Cause, forbidden, invalid, notSupported, required } from '../errors.ts';
import { dns1123Subdomain } from '../names.ts';
import type { ApiObject } from '../object.ts';
import { validIp } from './addresses.ts';
import { familyOf } from './ip.ts';
import { isHeadless, type ServiceSpec, specOf, statusOf } from './service.ts';
import { classCauses, validateService } from './validate.ts';

/** `ValidateServiceUpdate`: primary addresses and families stay, a second one may come and go. */
export function validateServiceUpdate(service: ApiObject, old: ApiObject): Cause[] {
  const spec = specOf(service);
  const before = specOf(old);
  return [
    ...clusterIPChange(before, spec),
    ...familyChange(before, spec),
    ...(spec.type === 'LoadBalancer' && before.type === 'LoadBalancer' ? immutableClass(before, spec) : []),
    ...validateService(service, old),
  ];
}

const immutableClass = (before: ServiceSpec, spec: ServiceSpec): Cause[] =>
  classCauses(before, spec).filter(cause => cause.message.endsWith('may not change once set'));

interface Change {
  field: string;
  single: string;
  before: readonly string[];
  now: readonly string[];
  policy: string | undefined;
}

function clusterIPChange(before: ServiceSpec, spec: ServiceSpec): Cause[] {
  if (before.type === 'ExternalName' || spec.type === 'ExternalName') return [];
  if (isHeadless(before) && isHeadless(spec)) return [];
  const change = { before: before.clusterIPs ?? [], now: spec.clusterIPs ?? [], policy: spec.ipFamilyPolicy };
  return listChange({ field: 'spec.clusterIPs', single: 'clusterIP', ...change });
}

function familyChange(before: ServiceSpec, spec: ServiceSpec): Cause[] {
  if (before.type === 'ExternalName' || spec.type === 'ExternalName') return [];
  const change = { before: before.ipFamilies ?? [], now: spec.ipFamilies ?? [], policy: spec.ipFamilyPolicy };
  return listChange({ field: 'spec.ipFamilies', single: 'ipFamily', ...change });
}

/** `validateUpgradeDowngradeClusterIPs` and `…IPFamilies`. */
function listChange({ field, single, before, now, policy }: Change): Cause[] {
  const fixed = (i: number): Cause => invalid(`${field}[${i}]`, now, 'may not change once set');
  if (before.length === now.length) return before.flatMap((value, i) => (value === now[i] ? [] : [fixed(i)]));
  const causes: Cause[] = [];
  if (before.length < now.length) return before.length > 0 && before[0] !== now[0] ? [fixed(0)] : [];
  if (now.length === 0) return [invalid(`${field}[0]`, now, `primary ${single} can not be unset`)];
  if (before[0] !== now[0]) causes.push(fixed(0));
  if (now.length === 1 && policy !== 'SingleStack') {
    causes.push(invalid(`${field}[0]`, now, `\`ipFamilyPolicy\` must be set to 'SingleStack' when releasing the secondary ${single}`));
  }
  return causes;
}

const MODES = ['Proxy', 'VIP'];

/** `ValidateLoadBalancerStatus`. */
export function validateServiceStatus(service: ApiObject, old: ApiObject): Cause[] {
  const ingresses = statusOf(service).loadBalancer?.ingress ?? [];
  const known = new Set((statusOf(old).loadBalancer?.ingress ?? []).map(ingress => ingress.ip));
  const path = 'status.loadBalancer.ingress';
  if (specOf(service).type !== 'LoadBalancer') {
    return ingresses.length === 0 ? [] : [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  return ingresses.flatMap((ingress, i) => {
    const at = `${path}[${i}]`;
    const { ip = '', hostname = '', ipMode } = ingress;
    const causes: Cause[] = ip === '' || known.has(ip) ? [] : validIp(`${at}.ip`, ip);
    if (ipMode === undefined) {
      if (ip !== '') causes.push(required(`${at}.ipMode`, 'must be specified when `ip` is set'));
    } else if (ip === '') causes.push(forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set'));
    else if (!MODES.includes(ipMode)) causes.push(notSupported(`${at}.ipMode`, ipMode, MODES));
    if (hostname === '') return causes;
    for (const text of dns1123Subdomain(hostname)) causes.push(invalid(`${at}.hostname`, hostname, text));
    if (familyOf(hostname) !== undefined) causes.push(invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'));
    return causes;
  });
}
