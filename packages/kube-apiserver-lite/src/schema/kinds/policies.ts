import { type Cause, forbidden, invalid, notSupported, required } from '../../errors.ts';
import { dns1035Label, dns1123Subdomain, portNumber, qualifiedName } from '../../names.ts';
import { equal, isObject, type Json, type JsonObject } from '../json.ts';
import { number, object, objects, text, texts } from './access.ts';
import { labelSelector } from './workloads.ts';

/** Networking, scheduling, storage, quotas. */

const portErrors = (path: string, value: Json | undefined): Cause[] =>
  portNumber(number(value)).map(wrong => invalid(path, value ?? 0, wrong));

export function resourceQuota(o: JsonObject): Cause[] {
  return Object.keys(object(object(o.spec).hard)).flatMap(name =>
    qualifiedName(name).map(wrong => invalid(`spec.hard[${name}]`, name, wrong)),
  );
}

const pathTypes = ['Exact', 'Prefix', 'ImplementationSpecific'];

export function ingress(o: JsonObject): Cause[] {
  const spec = object(o.spec);
  const causes: Cause[] = [];
  const list = objects(spec.rules);
  if (list.length === 0 && !isObject(spec.defaultBackend))
    causes.push(invalid('spec', spec.rules ?? [], 'either `defaultBackend` or `rules` must be specified'));
  if (isObject(spec.defaultBackend)) causes.push(...backend(spec.defaultBackend, 'spec.defaultBackend'));
  list.forEach((rule, i) => {
    const host = text(rule.host);
    if (host !== '')
      for (const wrong of dns1123Subdomain(host.replace(/^\*\./, ''))) causes.push(invalid(`spec.rules[${i}].host`, host, wrong));
    if (isObject(rule.http) && objects(rule.http.paths).length === 0) causes.push(required(`spec.rules[${i}].http.paths`));
    objects(object(rule.http).paths).forEach((p, n) => {
      const path = `spec.rules[${i}].http.paths[${n}]`;
      if (p.pathType === undefined) causes.push(required(`${path}.pathType`, 'pathType must be specified'));
      else if (!pathTypes.includes(text(p.pathType))) causes.push(notSupported(`${path}.pathType`, p.pathType, pathTypes));
      else if ((p.pathType !== 'ImplementationSpecific' || text(p.path) !== '') && !text(p.path).startsWith('/'))
        causes.push(invalid(`${path}.path`, text(p.path), 'must be an absolute path'));
      causes.push(...backend(object(p.backend), `${path}.backend`));
    });
  });
  if (text(spec.ingressClassName))
    for (const wrong of dns1123Subdomain(text(spec.ingressClassName)))
      causes.push(invalid('spec.ingressClassName', spec.ingressClassName, wrong));
  return causes;
}

function backend(b: JsonObject, path: string): Cause[] {
  const service = b.service;
  if (isObject(service) && isObject(b.resource)) return [invalid(path, '', 'cannot set both resource and service backends')];
  if (isObject(b.resource)) return [];
  if (!isObject(service)) return [required(path, 'resource or service backend is required')];
  const causes: Cause[] = [];
  if (text(service.name) === '') causes.push(required(`${path}.service.name`));
  else for (const wrong of dns1035Label(text(service.name))) causes.push(invalid(`${path}.service.name`, service.name, wrong));
  const port = object(service.port);
  if (text(port.name) !== '' && number(port.number) !== 0) causes.push(invalid(path, '', 'cannot set both port name & port number'));
  else if (text(port.name) === '' && number(port.number) === 0) causes.push(required(path, 'port name or number is required'));
  else if (text(port.name) === '') causes.push(...portErrors(`${path}.service.port.number`, port.number));
  return causes;
}

export function ingressClass(o: JsonObject, old?: JsonObject): Cause[] {
  const controller = text(object(o.spec).controller);
  const causes: Cause[] =
    controller === ''
      ? [required('spec.controller')]
      : !controller.includes('/')
        ? [invalid('spec.controller', controller, 'must be a domain-prefixed path (such as "acme.io/foo")')]
        : [];
  if (old && object(old.spec).controller !== object(o.spec).controller)
    causes.push(invalid('spec.controller', controller, 'field is immutable'));
  return causes;
}

export function networkPolicy(o: JsonObject): Cause[] {
  const spec = object(o.spec);
  const causes = labelSelector(spec.podSelector, 'spec.podSelector');
  for (const direction of ['ingress', 'egress'] as const) {
    objects(spec[direction]).forEach((rule, i) => {
      objects(rule.ports).forEach((p, n) => {
        const path = `spec.${direction}[${i}].ports[${n}]`;
        if (p.protocol !== undefined && !['SCTP', 'TCP', 'UDP'].includes(text(p.protocol)))
          causes.push(notSupported(`${path}.protocol`, p.protocol, ['SCTP', 'TCP', 'UDP']));
        if (typeof p.port === 'number') causes.push(...portErrors(`${path}.port`, p.port));
        if (p.endPort !== undefined && p.port === undefined)
          causes.push(invalid(`${path}.endPort`, p.endPort, 'may not be specified when `port` is not specified'));
      });
    });
  }
  const types = texts(spec.policyTypes);
  if (types.length > 2) causes.push(invalid('spec.policyTypes', types, 'may not specify more than two policyTypes'));
  types.forEach((t, i) => {
    if (t !== 'Ingress' && t !== 'Egress') causes.push(notSupported(`spec.policyTypes[${i}]`, t, ['Egress', 'Ingress']));
  });
  return causes;
}

const maxPriority = 1_000_000_000;
const systemClasses = new Set(['system-node-critical', 'system-cluster-critical']);
export function priorityClass(o: JsonObject, old?: JsonObject): Cause[] {
  const causes: Cause[] = [];
  const name = text(object(o.metadata).name);
  if (name.startsWith('system-')) {
    if (!systemClasses.has(name))
      causes.push(
        forbidden(
          'metadata.name',
          `priority class names with 'system-' prefix are reserved for system use only. error: ${name} is not a known system priority class`,
        ),
      );
  } else if (number(o.value) > maxPriority)
    causes.push(forbidden('value', `maximum allowed value of a user defined priority is ${maxPriority}`));
  if (!['PreemptLowerPriority', 'Never'].includes(text(o.preemptionPolicy)))
    causes.push(notSupported('preemptionPolicy', o.preemptionPolicy ?? '', ['PreemptLowerPriority', 'Never']));
  if (old && number(o.value) !== number(old.value)) causes.push(forbidden('value', 'may not be changed in an update.'));
  if (old && o.preemptionPolicy !== old.preemptionPolicy)
    causes.push(invalid('preemptionPolicy', o.preemptionPolicy, 'field is immutable'));
  return causes;
}

export function storageClass(o: JsonObject, old?: JsonObject): Cause[] {
  const causes: Cause[] = [];
  if (text(o.provisioner) === '') causes.push(required('provisioner'));
  if (!['Delete', 'Retain', 'Recycle'].includes(text(o.reclaimPolicy)))
    causes.push(notSupported('reclaimPolicy', o.reclaimPolicy ?? '', ['Delete', 'Retain']));
  if (!['Immediate', 'WaitForFirstConsumer'].includes(text(o.volumeBindingMode)))
    causes.push(notSupported('volumeBindingMode', o.volumeBindingMode ?? '', ['Immediate', 'WaitForFirstConsumer']));
  const fixed = (field: string, why: string) => {
    if (old && !equal(o[field] ?? null, old[field] ?? null)) causes.push(forbidden(field, why));
  };
  fixed('parameters', 'updates to parameters are forbidden.');
  fixed('provisioner', 'updates to provisioner are forbidden.');
  fixed('reclaimPolicy', 'updates to reclaimPolicy are forbidden.');
  if (old && o.volumeBindingMode !== old.volumeBindingMode)
    causes.push(invalid('volumeBindingMode', o.volumeBindingMode ?? '', 'field is immutable'));
  return causes;
}
