import { type Cause, duplicate, invalid, notSupported, required, tooMany } from '../errors.ts';
import { dns1123Label, dns1123Subdomain, portNumber, qualifiedName } from '../names.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import { isObject } from '../schema/json.ts';
import { nonSpecialIp, validIp } from '../services/addresses.ts';
import { familyOf } from '../services/ip.ts';

/** Endpoints and EndpointSlices. */

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6'];
const MAX_ENDPOINTS = 1000;
const MAX_ADDRESSES = 100;
const MAX_PORTS = 20_000;

const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
const texts = (value: Json | undefined): string[] => (Array.isArray(value) ? value.filter(item => typeof item === 'string') : []);
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const each = (field: string, value: unknown, wrong: readonly string[]): Cause[] => wrong.map(why => invalid(field, value, why));

export function endpointsCauses(object: ApiObject): Cause[] {
  return objects(object['subsets']).flatMap((subset, i) => {
    const path = `subsets[${i}]`;
    const [addresses, notReady] = [objects(subset['addresses']), objects(subset['notReadyAddresses'])];
    const causes: Cause[] = [];
    if (addresses.length === 0 && notReady.length === 0) causes.push(required(path, 'must specify `addresses` or `notReadyAddresses`'));
    for (const [field, list] of [
      ['addresses', addresses],
      ['notReadyAddresses', notReady],
    ] as const) {
      for (const [j, address] of list.entries()) causes.push(...addressCauses(`${path}.${field}[${j}]`, address));
    }
    const ports = objects(subset['ports']);
    for (const [j, port] of ports.entries()) causes.push(...portCauses(`${path}.ports[${j}]`, port, ports.length > 1));
    return causes;
  });
}

function addressCauses(path: string, address: JsonObject): Cause[] {
  const ip = text(address['ip']);
  const causes = [...validIp(`${path}.ip`, ip), ...nonSpecialIp(`${path}.ip`, ip)];
  const hostname = text(address['hostname']);
  if (hostname !== '') causes.push(...each(`${path}.hostname`, hostname, dns1123Label(hostname)));
  const node = text(address['nodeName']);
  if (node !== '') causes.push(...each(`${path}.nodeName`, node, dns1123Subdomain(node)));
  return causes;
}

function portCauses(path: string, port: JsonObject, nameRequired: boolean): Cause[] {
  const name = text(port['name']);
  const causes: Cause[] = [];
  if (name !== '') causes.push(...each(`${path}.name`, name, dns1123Label(name)));
  else if (nameRequired) causes.push(required(`${path}.name`));
  const number = typeof port['port'] === 'number' ? port['port'] : 0;
  causes.push(...each(`${path}.port`, number, portNumber(number)));
  return [...causes, ...protocolCauses(path, port)];
}

function protocolCauses(path: string, port: JsonObject): Cause[] {
  const protocol = text(port['protocol']);
  const causes: Cause[] =
    protocol === ''
      ? [required(`${path}.protocol`)]
      : PROTOCOLS.includes(protocol)
        ? []
        : [notSupported(`${path}.protocol`, protocol, PROTOCOLS)];
  if (typeof port['appProtocol'] === 'string')
    causes.push(...each(`${path}.appProtocol`, port['appProtocol'], qualifiedName(port['appProtocol'])));
  return causes;
}

export function endpointSliceCauses(slice: ApiObject, old: ApiObject | undefined): Cause[] {
  const type = text(slice['addressType']);
  if (type === '') return [required('addressType')];
  if (!ADDRESS_TYPES.includes(type)) return [notSupported('addressType', type, ADDRESS_TYPES)];
  const endpoints = objects(slice['endpoints']);
  if (endpoints.length > MAX_ENDPOINTS) return [tooMany('endpoints', endpoints.length, MAX_ENDPOINTS)];
  // Addresses that were accepted once are not looked at again.
  const known = new Set(objects(old?.['endpoints']).flatMap(endpoint => texts(endpoint['addresses'])));
  return [
    ...endpoints.flatMap((endpoint, i) => endpointCauses(`endpoints[${i}]`, endpoint, type, known)),
    ...slicePortCauses(objects(slice['ports'])),
  ];
}

export const endpointSliceUpdateCauses = (slice: ApiObject, old: ApiObject): Cause[] =>
  slice['addressType'] === old['addressType'] ? [] : [invalid('addressType', slice['addressType'], 'field is immutable')];

function endpointCauses(path: string, endpoint: JsonObject, type: string, known: ReadonlySet<string>): Cause[] {
  const addresses = texts(endpoint['addresses']);
  const field = `${path}.addresses`;
  const causes: Cause[] = [];
  if (addresses.length === 0) causes.push(required(field, 'must contain at least 1 address'));
  else if (addresses.length > MAX_ADDRESSES) causes.push(tooMany(field, addresses.length, MAX_ADDRESSES));
  for (const [i, address] of addresses.entries()) {
    if (known.has(address)) continue;
    if (type === 'FQDN') {
      causes.push(...each(field, address, dns1123Subdomain(address)));
      continue;
    }
    if (familyOf(address) !== type) causes.push(invalid(field, address, `must be an ${type} address`));
    causes.push(...nonSpecialIp(`${field}[${i}]`, address));
  }
  if (typeof endpoint['nodeName'] === 'string')
    causes.push(...each(`${path}.nodeName`, endpoint['nodeName'], dns1123Subdomain(endpoint['nodeName'])));
  if (typeof endpoint['hostname'] === 'string')
    causes.push(...each(`${path}.hostname`, endpoint['hostname'], dns1123Label(endpoint['hostname'])));
  return causes;
}

function slicePortCauses(ports: readonly JsonObject[]): Cause[] {
  if (ports.length > MAX_PORTS) return [tooMany('ports', ports.length, MAX_PORTS)];
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const path = `ports[${i}]`;
    const name = text(port['name']);
    const causes: Cause[] = name === '' ? [] : each(`${path}.name`, name, dns1123Label(name));
    if (names.has(name)) causes.push(duplicate(`${path}.name`, name));
    names.add(name);
    return [...causes, ...protocolCauses(path, port)];
  });
}
