import { type Cause, duplicate, invalid, invalidObject, notSupported, required } from '../errors.ts';
import type { ApiObject } from '../object.ts';
import { validIp } from './addresses.ts';
import { type Family, familyOf } from './ip.ts';
import type { ServiceNetwork } from './network.ts';
import { isHeadless, type ServiceSpec, sameList, specOf } from './service.ts';

const FAMILIES = ['IPv4', 'IPv6'];
const POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const refuse = (service: ApiObject, causes: readonly Cause[]): void => {
  if (causes.length > 0) throw invalidObject({ group: '', kind: 'Service' }, service.metadata.name ?? '', causes);
};

/** Fills in `ipFamilies` and `ipFamilyPolicy` (`initIPFamilyFields`, pkg/registry/core/service/storage/alloc.go). */
export function initFamilies(service: ApiObject, old: ApiObject | undefined, network: ServiceNetwork): void {
  const spec = specOf(service);
  if (spec.type === 'ExternalName') return;
  const before = old === undefined ? undefined : specOf(old);
  if (before !== undefined && matchesPreferDualStack(spec, before)) return;
  if (before !== undefined && spec.ipFamilyPolicy === 'SingleStack') {
    // Asking for SingleStack is clear enough where the lists are as they were: the first entry stays.
    if (sameList(spec.clusterIPs, before.clusterIPs) && (spec.clusterIPs?.length ?? 0) > 1)
      spec.clusterIPs = (spec.clusterIPs ?? []).slice(0, 1);
    if (sameList(spec.ipFamilies, before.ipFamilies) && (spec.ipFamilies?.length ?? 0) > 1)
      spec.ipFamilies = (spec.ipFamilies ?? []).slice(0, 1);
  }
  refuse(service, clusterIPCauses(spec, before));
  refuse(service, [...policyCauses(spec), ...inferFamilies(spec, network)]);
  if (spec.clusterIPs?.[0] === 'None' && Object.keys(spec.selector ?? {}).length === 0) {
    spec.ipFamilyPolicy ??= 'RequireDualStack';
    completeFamilies(spec, network, ['IPv4', 'IPv6']);
    return;
  }
  refuse(service, configuredCauses(spec, network));
  spec.ipFamilyPolicy ??= (spec.ipFamilies?.length ?? 0) === 2 ? 'RequireDualStack' : 'SingleStack';
  completeFamilies(spec, network, network.families);
}

/** Nothing that concerns families changed, so a change of the cluster's families does not change the Service. */
function matchesPreferDualStack(spec: ServiceSpec, before: ServiceSpec): boolean {
  return (
    spec.type === before.type &&
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    before.ipFamilyPolicy === 'PreferDualStack' &&
    sameList(spec.clusterIPs, before.clusterIPs) &&
    sameList(spec.ipFamilies, before.ipFamilies)
  );
}

function policyCauses(spec: ServiceSpec): Cause[] {
  if (spec.ipFamilyPolicy !== undefined && spec.ipFamilyPolicy !== 'SingleStack') return [];
  const of = (what: string): Cause =>
    invalid(
      'spec.ipFamilyPolicy',
      spec.ipFamilyPolicy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    );
  return [...(spec.clusterIPs?.length === 2 ? [of('cluster IPs')] : []), ...(spec.ipFamilies?.length === 2 ? [of('IP families')] : [])];
}

/** An address given without its family tells it. */
function inferFamilies(spec: ServiceSpec, network: ServiceNetwork): Cause[] {
  const causes: Cause[] = [];
  for (const [i, address] of (spec.clusterIPs ?? []).entries()) {
    if (address === 'None') break;
    const family = familyOf(address);
    if (family === undefined || i < (spec.ipFamilies?.length ?? 0)) continue;
    if (network.block(family) === undefined) {
      causes.push(invalid(`spec.clusterIPs[${i}]`, spec.clusterIPs, `${family} is not configured on this cluster`));
    } else spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
  }
  return causes;
}

function configuredCauses(spec: ServiceSpec, network: ServiceNetwork): Cause[] {
  const causes: Cause[] = [];
  if (spec.ipFamilyPolicy === 'RequireDualStack' && network.families.length < 2) {
    causes.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'));
  }
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    if (network.block(family) === undefined) causes.push(invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
  }
  return causes;
}

/** The cluster's default family where none is given, and the other one where the policy wants two. */
function completeFamilies(spec: ServiceSpec, network: ServiceNetwork, available: readonly Family[]): void {
  const [standard = 'IPv4'] = network.families;
  const families = spec.ipFamilies?.length === 0 || spec.ipFamilies === undefined ? [standard] : [...spec.ipFamilies];
  const other = families[0] === 'IPv4' ? 'IPv6' : 'IPv4';
  if (families.length === 1 && spec.ipFamilyPolicy !== 'SingleStack' && available.includes(other)) families.push(other);
  spec.ipFamilies = families;
}

/** `ValidateServiceClusterIPsRelatedFields` (pkg/apis/core/validation). */
export function clusterIPCauses(spec: ServiceSpec, before: ServiceSpec | undefined): Cause[] {
  if (spec.type === 'ExternalName') return [];
  const causes: Cause[] = [];
  const addresses = spec.clusterIPs ?? [];
  if ((spec.clusterIP ?? '') !== '') {
    if (addresses.length === 0) causes.push(required('spec.clusterIPs'));
    else if (addresses[0] !== spec.clusterIP) causes.push(invalid('spec.clusterIPs', addresses, 'first value must match `clusterIP`'));
  } else if (addresses.length > 0) {
    causes.push(invalid('spec.clusterIPs', addresses, 'must be empty when `clusterIP` is not specified'));
  }
  const families = spec.ipFamilies ?? [];
  for (const [i, family] of families.entries()) {
    if (!FAMILIES.includes(family)) causes.push(notSupported(`spec.ipFamilies[${i}]`, family, FAMILIES));
    if (families.indexOf(family) < i) causes.push(duplicate(`spec.ipFamilies[${i}]`, family));
  }
  if (spec.ipFamilyPolicy !== undefined && !POLICIES.includes(spec.ipFamilyPolicy)) {
    causes.push(notSupported('spec.ipFamilyPolicy', spec.ipFamilyPolicy, POLICIES));
  }
  const wrong: Cause[] = [];
  for (const [i, address] of addresses.entries()) {
    if (i === 0 && address === 'None') {
      if (addresses.length > 1) wrong.push(invalid('spec.clusterIPs', addresses, "'None' must be the first and only value"));
    } else if (!(before?.clusterIPs ?? []).includes(address)) wrong.push(...validIp(`spec.clusterIPs[${i}]`, address));
  }
  if (addresses.length > 2) causes.push(...wrong, invalid('spec.clusterIPs', addresses, 'may only hold up to 2 values'));
  else causes.push(...wrong);
  if (wrong.length > 0) return causes;
  if (addresses.length > 1 && new Set(addresses.map(familyOf)).size < 2) {
    causes.push(invalid('spec.clusterIPs', addresses, 'may specify no more than one IP for each IP family'));
  }
  if (!isHeadless(spec)) {
    for (const [i, address] of addresses.entries()) {
      const family = families[i];
      if (family === undefined) break;
      if (FAMILIES.includes(family) && familyOf(address) !== family) {
        causes.push(invalid(`spec.clusterIPs[${i}]`, address, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``));
      }
    }
  }
  return causes;
}
