import { type Cause, duplicate, forbidden, invalid, notFoundValue, notSupported, required } from '../errors.ts';
import { dns1123Label, dns1123Subdomain, portName, portNumber } from '../names.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import { equal, isObject } from '../schema/json.ts';
import { labelCauses } from './metadata.ts';

/** Pods and the templates of what makes them, as far as a control plane needs them to be right. */

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['None', 'ClusterFirst', 'ClusterFirstWithHostNet', 'Default'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const ENV_NAME = /^[ -<>-~]+$/;

const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const each = (field: string, value: unknown, wrong: readonly string[]): Cause[] => wrong.map(why => invalid(field, value, why));

export const podCauses = (pod: ApiObject): Cause[] => podSpecCauses(isObject(pod['spec']) ? pod['spec'] : {}, 'spec');

/** What of a running pod's spec may change (`ValidatePodUpdate`): images, grace, tolerations, scheduling gates. */
export function podUpdateCauses(pod: ApiObject, old: ApiObject): Cause[] {
  const mutable = new Set([
    'activeDeadlineSeconds',
    'terminationGracePeriodSeconds',
    'tolerations',
    'schedulingGates',
    'nodeSelector',
    'affinity',
  ]);
  const bare = (object: ApiObject): JsonObject => {
    const spec = isObject(object['spec']) ? object['spec'] : {};
    const entries = Object.entries(spec).filter(([field]) => !mutable.has(field));
    return Object.fromEntries(
      entries.map(([field, value]) => [field, field === 'containers' || field === 'initContainers' ? withoutImages(value) : value]),
    );
  };
  if (equal(bare(pod), bare(old))) return [];
  return [
    forbidden(
      'spec',
      'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    ),
  ];
}

const withoutImages = (containers: Json | undefined): Json[] => objects(containers).map(({ image: _image, ...rest }): JsonObject => rest);

/** The template of a workload; only pods that restart belong into those that keep a number of them running. */
export function templateCauses(template: JsonObject, path: string, alwaysRestart: boolean): Cause[] {
  const metadata = isObject(template['metadata']) ? template['metadata'] : {};
  const spec = isObject(template['spec']) ? template['spec'] : {};
  const labels = isObject(metadata['labels']) ? (metadata['labels'] as Record<string, string>) : {};
  const causes = [...labelCauses(labels, `${path}.metadata.labels`), ...podSpecCauses(spec, `${path}.spec`)];
  if (alwaysRestart && spec['restartPolicy'] !== 'Always') {
    causes.push(notSupported(`${path}.spec.restartPolicy`, text(spec['restartPolicy']), ['Always']));
  }
  return causes;
}

function podSpecCauses(spec: JsonObject, path: string): Cause[] {
  const volumes = objects(spec['volumes']);
  const names = new Set(volumes.map(volume => text(volume['name'])));
  const causes = volumeCauses(volumes, `${path}.volumes`);
  const containers = objects(spec['containers']);
  if (containers.length === 0) causes.push(required(`${path}.containers`));
  causes.push(...containerCauses(containers, `${path}.containers`, names, new Set()));
  causes.push(
    ...containerCauses(objects(spec['initContainers']), `${path}.initContainers`, names, new Set(containers.map(({ name }) => text(name)))),
  );
  causes.push(...choice(`${path}.restartPolicy`, spec['restartPolicy'], RESTART_POLICIES));
  causes.push(...choice(`${path}.dnsPolicy`, spec['dnsPolicy'], DNS_POLICIES));
  const account = text(spec['serviceAccountName']);
  if (account !== '') causes.push(...each(`${path}.serviceAccountName`, account, dns1123Subdomain(account)));
  const node = text(spec['nodeName']);
  if (node !== '') causes.push(...each(`${path}.nodeName`, node, dns1123Subdomain(node)));
  const hostname = text(spec['hostname']);
  if (hostname !== '') causes.push(...each(`${path}.hostname`, hostname, dns1123Label(hostname)));
  const grace = spec['terminationGracePeriodSeconds'];
  if (typeof grace === 'number' && grace < 0)
    causes.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than or equal to 0'));
  return causes;
}

function choice(field: string, value: Json | undefined, values: readonly string[]): Cause[] {
  if (value === undefined || value === '') return [required(field)];
  return values.includes(text(value)) ? [] : [notSupported(field, value, values)];
}

function volumeCauses(volumes: readonly JsonObject[], path: string): Cause[] {
  const seen = new Set<string>();
  return volumes.flatMap((volume, i) => {
    const at = `${path}[${i}]`;
    const name = text(volume['name']);
    const causes: Cause[] = name === '' ? [required(`${at}.name`)] : each(`${at}.name`, name, dns1123Label(name));
    if (name !== '' && seen.has(name)) causes.push(duplicate(`${at}.name`, name));
    seen.add(name);
    const sources = Object.keys(volume).filter(key => key !== 'name' && volume[key] !== undefined);
    if (sources.length === 0) causes.push(required(at, 'must specify a volume type'));
    for (const source of sources.slice(1)) causes.push(forbidden(`${at}.${source}`, 'may not specify more than 1 volume type'));
    return causes;
  });
}

function containerCauses(
  containers: readonly JsonObject[],
  path: string,
  volumes: ReadonlySet<string>,
  taken: ReadonlySet<string>,
): Cause[] {
  const seen = new Set(taken);
  return containers.flatMap((container, i) => {
    const at = `${path}[${i}]`;
    const name = text(container['name']);
    const causes: Cause[] = name === '' ? [required(`${at}.name`)] : each(`${at}.name`, name, dns1123Label(name));
    if (name !== '' && seen.has(name)) causes.push(duplicate(`${at}.name`, name));
    seen.add(name);
    const image = text(container['image']);
    if (image === '') causes.push(required(`${at}.image`));
    else if (image.trim() !== image) causes.push(invalid(`${at}.image`, image, 'must not have leading or trailing whitespace'));
    causes.push(...portCauses(objects(container['ports']), `${at}.ports`), ...envCauses(objects(container['env']), `${at}.env`));
    causes.push(...mountCauses(objects(container['volumeMounts']), `${at}.volumeMounts`, volumes));
    const policy = text(container['imagePullPolicy']);
    if (policy !== '' && !PULL_POLICIES.includes(policy)) causes.push(notSupported(`${at}.imagePullPolicy`, policy, PULL_POLICIES));
    return causes;
  });
}

function portCauses(ports: readonly JsonObject[], path: string): Cause[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `${path}[${i}]`;
    const name = text(port['name']);
    const causes: Cause[] = name === '' ? [] : each(`${at}.name`, name, portName(name));
    if (name !== '' && names.has(name)) causes.push(duplicate(`${at}.name`, name));
    names.add(name);
    const number = typeof port['containerPort'] === 'number' ? port['containerPort'] : 0;
    if (number === 0) causes.push(required(`${at}.containerPort`));
    else causes.push(...each(`${at}.containerPort`, number, portNumber(number)));
    const host = typeof port['hostPort'] === 'number' ? port['hostPort'] : 0;
    if (host !== 0) causes.push(...each(`${at}.hostPort`, host, portNumber(host)));
    const protocol = text(port['protocol']);
    if (protocol === '') causes.push(required(`${at}.protocol`));
    else if (!PROTOCOLS.includes(protocol)) causes.push(notSupported(`${at}.protocol`, protocol, PROTOCOLS));
    return causes;
  });
}

function envCauses(variables: readonly JsonObject[], path: string): Cause[] {
  return variables.flatMap((variable, i) => {
    const at = `${path}[${i}]`;
    const name = text(variable['name']);
    if (name === '') return [required(`${at}.name`)];
    if (!ENV_NAME.test(name)) {
      return [
        invalid(
          `${at}.name`,
          name,
          "a valid environment variable name must consist only of printable ASCII characters other than '=' (e.g. 'my-name',  or 'MY_NAME',  or 'my.name', regex used for validation is '[ -<>-~]+')",
        ),
      ];
    }
    if (text(variable['value']) !== '' && isObject(variable['valueFrom'])) {
      return [invalid(`${at}.valueFrom`, '', 'may not be specified when `value` is not empty')];
    }
    return [];
  });
}

function mountCauses(mounts: readonly JsonObject[], path: string, volumes: ReadonlySet<string>): Cause[] {
  const paths = new Set<string>();
  return mounts.flatMap((mount, i) => {
    const at = `${path}[${i}]`;
    const name = text(mount['name']);
    const target = text(mount['mountPath']);
    const causes: Cause[] = [];
    if (name === '') causes.push(required(`${at}.name`));
    else if (!volumes.has(name)) causes.push(notFoundValue(`${at}.name`, name));
    if (target === '') causes.push(required(`${at}.mountPath`));
    else if (paths.has(target)) causes.push(invalid(`${at}.mountPath`, target, 'must be unique'));
    paths.add(target);
    return causes;
  });
}
