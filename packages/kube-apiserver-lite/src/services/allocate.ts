import { ApiStatusError, type Cause, invalid, invalidObject } from '../errors.ts';
import type { ApiObject } from '../object.ts';
import type { StrategyContext } from '../strategies/strategy.ts';
import { initFamilies } from './families.ts';
import type { ServiceNetwork } from './network.ts';
import {
  isHeadless,
  mayHaveNodePort,
  needsClusterIP,
  needsHealthCheckPort,
  needsNodePort,
  type ServiceSpec,
  sameList,
  specOf,
} from './service.ts';

/** Gives Services their addresses and ports, as far as they did not bring them (pkg/registry/core/service/storage). */

const refuse = (service: ApiObject, cause: Cause): ApiStatusError =>
  invalidObject({ group: '', kind: 'Service' }, service.metadata.name ?? '', [cause]);

const exhausted = (what: string): ApiStatusError =>
  new ApiStatusError(500, 'InternalError', `Internal error occurred: failed to allocate ${what}`, {
    causes: [{ message: `failed to allocate ${what}` }],
  });

/** Before validation, so that the answer to a dry run shows what would be given. Everything taken is given back on failure. */
export function allocate(network: ServiceNetwork, service: ApiObject, old: ApiObject | undefined, context: StrategyContext): void {
  const spec = specOf(service);
  const before = old === undefined ? undefined : specOf(old);
  if (before !== undefined) keepAllocated(spec, before);
  syncClusterIPs(spec, before);
  initFamilies(service, old, network);
  allocateAddresses(network, service, spec, before, context);
  if (before === undefined) createNodePorts(network, service, spec, context);
  else updateNodePorts(network, service, spec, before, context);
  allocateHealthCheckPort(network, service, spec, before, context);
}

/** Gives back what an update left behind, once it is stored. */
export function releaseUnused(network: ServiceNetwork, now: ServiceSpec | undefined, before: ServiceSpec): void {
  const addresses = new Set(now?.clusterIPs);
  for (const address of before.clusterIPs ?? []) if (address !== 'None' && !addresses.has(address)) network.release(address);
  const ports = portsOf(now);
  for (const port of portsOf(before)) if (!ports.has(port)) network.releasePort(port);
}

/** Marks what a stored Service holds, when a store is loaded. */
export function reserve(network: ServiceNetwork, spec: ServiceSpec): void {
  for (const address of spec.clusterIPs ?? []) if (address !== 'None') network.take(address);
  for (const port of portsOf(spec)) network.takePort(port);
}

function portsOf(spec: ServiceSpec | undefined): Set<number> {
  const ports = new Set<number>();
  for (const { nodePort = 0 } of spec?.ports ?? []) if (nodePort !== 0) ports.add(nodePort);
  if ((spec?.healthCheckNodePort ?? 0) !== 0) ports.add(spec?.healthCheckNodePort ?? 0);
  return ports;
}

/** Allocated values that an update left out are as they were (`patchAllocatedValues`); node ports are matched by port name. */
function keepAllocated(spec: ServiceSpec, before: ServiceSpec): void {
  if (needsClusterIP(before) && needsClusterIP(spec)) {
    if ((spec.clusterIP ?? '') === '' && before.clusterIP !== undefined) spec.clusterIP = before.clusterIP;
    if ((spec.clusterIPs?.length ?? 0) === 0 && spec.clusterIP === before.clusterIP && before.clusterIPs !== undefined) {
      spec.clusterIPs = [...before.clusterIPs];
    }
  }
  if (mayHaveNodePort(before) && mayHaveNodePort(spec)) {
    const used = new Set((spec.ports ?? []).map(port => port.nodePort ?? 0).filter(port => portsOf(before).has(port)));
    const byName = new Map((before.ports ?? []).map(port => [port.name ?? '', port.nodePort ?? 0]));
    for (const port of spec.ports ?? []) {
      const known = byName.get(port.name ?? '') ?? 0;
      if ((port.nodePort ?? 0) !== 0 || known === 0 || used.has(known)) continue;
      port.nodePort = known;
      used.add(known);
    }
  }
  if (
    needsHealthCheckPort(before) &&
    needsHealthCheckPort(spec) &&
    (spec.healthCheckNodePort ?? 0) === 0 &&
    before.healthCheckNodePort !== undefined
  ) {
    spec.healthCheckNodePort = before.healthCheckNodePort;
  }
}

/** Clients that know one of `clusterIP` and `clusterIPs` only (`normalizeClusterIPs`). */
function syncClusterIPs(spec: ServiceSpec, before: ServiceSpec | undefined): void {
  const single = spec.clusterIP ?? '';
  if (before === undefined) {
    if (single !== '' && (spec.clusterIPs?.length ?? 0) === 0) spec.clusterIPs = [single];
    return;
  }
  if (single === (before.clusterIP ?? '') || !sameList(spec.clusterIPs, before.clusterIPs)) return;
  if (single === '') delete spec.clusterIPs;
  else spec.clusterIPs = [single];
}

function allocateAddresses(
  network: ServiceNetwork,
  service: ApiObject,
  spec: ServiceSpec,
  before: ServiceSpec | undefined,
  context: StrategyContext,
): void {
  if (!needsClusterIP(spec) || isHeadless(spec)) {
    if (isHeadless(spec)) spec.clusterIP = 'None';
    return;
  }
  if (before !== undefined && needsClusterIP(before)) {
    if (isHeadless(before)) return;
    const added = (before.ipFamilies?.length ?? 0) === 1 && (spec.ipFamilies?.length ?? 0) === 2;
    if (!added) {
      // A second family given up takes its address with it.
      if ((spec.ipFamilies?.length ?? 0) < (spec.clusterIPs?.length ?? 0) && spec.ipFamilyPolicy === 'SingleStack')
        spec.clusterIPs = (spec.clusterIPs ?? []).slice(0, 1);
      return;
    }
  }
  const held = new Set(before !== undefined && needsClusterIP(before) ? before.clusterIPs : []);
  const addresses = [...(spec.clusterIPs ?? [])];
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    const asked = addresses[i] ?? '';
    if (held.has(asked)) continue;
    addresses[i] = asked === '' ? nextAddress() : namedAddress(asked, i);
    const taken = addresses[i] ?? '';
    context.onAbort(() => network.release(taken));

    function nextAddress(): string {
      const address = network.takeNext(family);
      if (address === undefined) throw exhausted(`IP ${i}: range is full`);
      return address;
    }
  }
  if (addresses.length > 0) {
    spec.clusterIPs = addresses;
    spec.clusterIP = addresses[0] ?? '';
  }

  function namedAddress(address: string, i: number): string {
    const result = network.take(address);
    if (result === 'ok') return address;
    const why =
      result === 'taken'
        ? `failed to allocate IP ${address}: provided IP is already allocated`
        : `failed to allocate IP ${address}: the provided IP (${address}) is not in the valid range. The range of valid IPs is ${rangeText(network, spec, i)}`;
    throw refuse(service, invalid('spec.clusterIPs', spec.clusterIPs, why));
  }
}

const rangeText = (network: ServiceNetwork, spec: ServiceSpec, i: number): string =>
  network.block(spec.ipFamilies?.[i] ?? 'IPv4')?.text ?? '';

function takeNodePort(network: ServiceNetwork, service: ApiObject, field: string, port: number, context: StrategyContext): void {
  const result = network.takePort(port);
  if (result === 'ok') {
    context.onAbort(() => network.releasePort(port));
    return;
  }
  const [first, last] = network.nodePorts;
  const why =
    result === 'taken'
      ? 'provided port is already allocated'
      : `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
  throw refuse(service, invalid(field, port, why));
}

function takeNextNodePort(network: ServiceNetwork, context: StrategyContext): number {
  const port = network.takeNextPort();
  if (port === undefined) throw exhausted('a nodePort: range is full');
  context.onAbort(() => network.releasePort(port));
  return port;
}

/** One number may serve several protocols of the same port (`initNodePorts`). */
function createNodePorts(network: ServiceNetwork, service: ApiObject, spec: ServiceSpec, context: StrategyContext): void {
  if (!mayHaveNodePort(spec)) return;
  const byPort = new Map<number, number>();
  const ports = spec.ports ?? [];
  for (const [i, port] of ports.entries()) {
    if ((port.nodePort ?? 0) === 0 && !needsNodePort(spec)) continue;
    const number = port.port ?? 0;
    const known = byPort.get(number);
    if (known === undefined) {
      const asked = ports.find(other => other.port === number && (other.nodePort ?? 0) !== 0)?.nodePort;
      if (asked !== undefined) takeNodePort(network, service, `spec.ports[${i}].nodePort`, asked, context);
      port.nodePort = asked ?? takeNextNodePort(network, context);
      byPort.set(number, port.nodePort);
    } else if (port.nodePort === undefined || port.nodePort === 0) port.nodePort = known;
    else if (port.nodePort !== known) takeNodePort(network, service, `spec.ports[${i}].nodePort`, port.nodePort, context);
  }
}

function updateNodePorts(
  network: ServiceNetwork,
  service: ApiObject,
  spec: ServiceSpec,
  before: ServiceSpec,
  context: StrategyContext,
): void {
  if (!mayHaveNodePort(spec)) return;
  const held = portsOf(before);
  const seen = new Set<string>();
  for (const [i, port] of (spec.ports ?? []).entries()) {
    if ((port.nodePort ?? 0) === 0) {
      if (!needsNodePort(spec)) continue;
      port.nodePort = takeNextNodePort(network, context);
    } else if (port.nodePort !== undefined && !held.has(port.nodePort)) {
      takeNodePort(network, service, `spec.ports[${i}].nodePort`, port.nodePort, context);
      held.add(port.nodePort);
    }
    const key = `${port.protocol}/${port.nodePort}`;
    if (seen.has(key)) throw new ApiStatusError(500, '', `duplicate nodePort: {${port.protocol} ${port.nodePort}}`);
    seen.add(key);
  }
}

function allocateHealthCheckPort(
  network: ServiceNetwork,
  service: ApiObject,
  spec: ServiceSpec,
  before: ServiceSpec | undefined,
  context: StrategyContext,
): void {
  if (!needsHealthCheckPort(spec)) return;
  const asked = spec.healthCheckNodePort ?? 0;
  if (before !== undefined && needsHealthCheckPort(before)) {
    if (asked !== before.healthCheckNodePort) throw refuse(service, invalid('spec.healthCheckNodePort', asked, 'field is immutable'));
    return;
  }
  if (asked === 0) spec.healthCheckNodePort = takeNextNodePort(network, context);
  else takeNodePort(network, service, 'spec.healthCheckNodePort', asked, context);
}
