import { type Migrated, migrated } from './finding.ts';
import type { MapReader } from './yaml-source.ts';

/** Reads one object of another load balancer; returns what it becomes here. Fields that were not read are reported by the caller. */
export type Reader = (object: MapReader, name: string, namespace: string) => Migrated[];

/** kube-vip's cloud provider: one ConfigMap with `cidr-…` and `range-…` per namespace or `global`. */
export const kubeVipConfigMap: Reader = (object, _name, namespace) => {
  const data = object.map('data', 'data of the ConfigMap');
  const pools = new Map<string, string[]>();
  for (const [key, value] of data?.entries() ?? []) {
    const match = /^(cidr|range)-(.+)$/.exec(key);
    if (!match) {
      data?.lost(key, `${key} has no counterpart and was not carried over`);
      continue;
    }
    const scope = match[2] as string;
    const addresses = value
      .split(',')
      .map(part => part.trim())
      .filter(part => part !== '');
    if (addresses.some(part => part.startsWith('0.0.0.0')))
      data?.lost(key, `${key} asks a DHCP server for addresses, which Herald does not`);
    pools.set(scope, [...(pools.get(scope) ?? []), ...addresses.filter(part => !part.startsWith('0.0.0.0'))]);
  }
  return [...pools].flatMap(([scope, addresses]) => {
    if (addresses.length === 0) return [];
    const own = scope === 'global' ? {} : { serviceAllocation: { priority: 1, namespaces: [scope] } };
    return poolAndLayer2(`kube-vip-${scope}`, namespace, { addresses, ...own });
  });
};

/** PureLB: a ServiceGroup with `local` or `remote` pools of each family. */
export const pureLbServiceGroup: Reader = (object, name, namespace) => {
  const spec = object.map('spec', `ServiceGroup ${name}`);
  const addresses: string[] = [];
  let routed = false;
  for (const place of ['local', 'remote']) {
    const group = spec?.has(place) ? spec.map(place, `${place} of ${name}`) : undefined;
    if (!group) continue;
    routed ||= place === 'remote';
    const single = group.has('v4pool') || group.has('v6pool') || group.has('pool');
    const pools = single
      ? ['v4pool', 'v6pool'].flatMap(key => (group.has(key) ? (group.map(key, key) ?? []) : []))
      : [...group.maps('v4pools', 'v4pools'), ...group.maps('v6pools', 'v6pools')];
    const flat = group.has('pool') ? [group, ...pools] : pools;
    for (const pool of flat) {
      const range = pool.string('pool');
      if (range !== undefined) addresses.push(range.replaceAll(/\s+/g, ''));
      pool.at('subnet');
      const aggregation = pool.string('aggregation');
      if (aggregation !== undefined && aggregation !== 'default')
        pool.lost('aggregation', `aggregation ${aggregation} is a BGPAdvertisement's aggregationLength here; write one`);
      if (pool !== group) pool.reportRest();
    }
    group.reportRest();
  }
  spec?.reportRest();
  if (addresses.length === 0) {
    object.lost('spec', `ServiceGroup ${name} has no pool that can be carried over`);
    return [];
  }
  const pool = { addresses, autoAssign: name === 'default' };
  return routed
    ? [migrated('IPAddressPool', name, namespace, pool), migrated('BGPAdvertisement', name, namespace, { ipAddressPools: [name] })]
    : poolAndLayer2(name, namespace, pool);
};

/** OpenELB: an Eip is one range with a protocol. */
export const openElbEip: Reader = (object, name, namespace) => {
  const spec = object.map('spec', `Eip ${name}`);
  const address = spec?.string('address');
  if (!spec || address === undefined) {
    object.lost('spec', `Eip ${name} has no address`);
    return [];
  }
  const protocol = spec.string('protocol') ?? 'bgp';
  const device = spec.string('interface');
  const priority = spec.number('priority');
  const namespaces = spec.strings('namespaces');
  const disabled = spec.boolean('disable') === true;
  const pool = {
    addresses: [address.replaceAll(/\s+/g, '')],
    ...(disabled ? { drain: true } : {}),
    ...(namespaces.length > 0 || priority !== undefined
      ? { serviceAllocation: { ...(priority === undefined ? {} : { priority }), ...(namespaces.length > 0 ? { namespaces } : {}) } }
      : {}),
  };
  if (device?.startsWith('can_reach:')) spec.lost('interface', `${device}: name the interfaces on the L2Advertisement`);
  if (protocol === 'vip') spec.changed('protocol', 'protocol vip (VRRP) became layer 2');
  spec.reportRest();
  const interfaces = device === undefined || device.startsWith('can_reach:') ? {} : { interfaces: [device] };
  return protocol === 'bgp'
    ? [migrated('IPAddressPool', name, namespace, pool), migrated('BGPAdvertisement', name, namespace, { ipAddressPools: [name] })]
    : poolAndLayer2(name, namespace, pool, interfaces);
};

/** Cilium: a pool of blocks; who announces it is said elsewhere. */
export const ciliumPool: Reader = (object, name, namespace) => {
  const spec = object.map('spec', `CiliumLoadBalancerIPPool ${name}`);
  const addresses = (spec?.maps('blocks', 'blocks') ?? []).flatMap(block => {
    const cidr = block.string('cidr');
    const start = block.string('start');
    const stop = block.string('stop') ?? start;
    block.reportRest();
    return cidr ?? (start === undefined ? [] : `${start}-${stop}`);
  });
  if (!spec || addresses.length === 0) {
    object.lost('spec', `CiliumLoadBalancerIPPool ${name} has no blocks`);
    return [];
  }
  const disabled = spec.boolean('disabled') === true;
  const edges = spec.string('allowFirstLastIPs');
  if (edges === 'No') spec.lost('allowFirstLastIPs', `${name}: list the first and last address of each block in excludedAddresses`);
  const selector = spec.has('serviceSelector') ? spec.map('serviceSelector', 'serviceSelector') : undefined;
  const allocation = selector ? ciliumSelector(selector) : undefined;
  spec.reportRest();
  const pool = { addresses, ...(disabled ? { drain: true } : {}), ...(allocation ? { serviceAllocation: allocation } : {}) };
  return [migrated('IPAddressPool', name, namespace, pool)];
};

/** Cilium: a policy says which nodes and interfaces announce which Services on the LAN. */
export const ciliumL2Policy: Reader = (object, name, namespace) => {
  const spec = object.map('spec', `CiliumL2AnnouncementPolicy ${name}`);
  if (!spec) return [];
  const interfaces = spec.strings('interfaces');
  const exact = interfaces.filter(text => /^\^?[A-Za-z0-9._-]+\$?$/.test(text)).map(text => text.replaceAll(/[\^$]/g, ''));
  if (exact.length < interfaces.length)
    spec.lost('interfaces', `${name}: interfaces are names here, not regular expressions; name those that are meant`);
  if (spec.boolean('externalIPs') === true)
    spec.lost('externalIPs', `${name}: Herald does not announce spec.externalIPs; see herald migrate externalips`);
  spec.at('loadBalancerIPs');
  const node = spec.has('nodeSelector') ? spec.map('nodeSelector', 'nodeSelector') : undefined;
  const service = spec.has('serviceSelector') ? spec.map('serviceSelector', 'serviceSelector') : undefined;
  spec.reportRest();
  return [
    migrated('L2Advertisement', name, namespace, {
      ...(exact.length > 0 ? { interfaces: exact } : {}),
      ...(node ? { nodeSelectors: [node.node.toJSON()] } : {}),
      ...(service ? { serviceSelectors: [service.node.toJSON()] } : {}),
    }),
  ];
};

/** The label that stands for a Service's namespace is a namespace here; the one for its name has no counterpart. */
function ciliumSelector(selector: MapReader): Record<string, unknown> {
  const source = selector.node.toJSON() as { matchLabels?: Record<string, string>; matchExpressions?: unknown[] };
  const labels = { ...source.matchLabels };
  const namespace = labels['io.kubernetes.service.namespace'];
  delete labels['io.kubernetes.service.namespace'];
  if ('io.kubernetes.service.name' in labels) {
    selector.lost('matchLabels', 'io.kubernetes.service.name has no counterpart; label the Service, or ask for the pool by annotation');
    delete labels['io.kubernetes.service.name'];
  }
  const rest = {
    ...(Object.keys(labels).length > 0 ? { matchLabels: labels } : {}),
    ...(source.matchExpressions ? { matchExpressions: source.matchExpressions } : {}),
  };
  return {
    ...(namespace === undefined ? {} : { namespaces: [namespace] }),
    ...(Object.keys(rest).length > 0 ? { serviceSelectors: [rest] } : {}),
  };
}

function poolAndLayer2(
  name: string,
  namespace: string,
  pool: Record<string, unknown>,
  advertisement: Record<string, unknown> = {},
): Migrated[] {
  const made = migrated('IPAddressPool', name, namespace, pool);
  return [made, migrated('L2Advertisement', name, namespace, { ipAddressPools: [made.metadata.name], ...advertisement })];
}
