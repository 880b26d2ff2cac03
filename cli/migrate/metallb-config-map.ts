import { type Migrated, type Migration, migrated, objectName } from './finding.ts';
import { MapReader, YamlSource } from './yaml-source.ts';

/** The ConfigMap says nothing of where Herald runs; `migrate` puts the objects into the namespace asked for. */
const NAMESPACE = 'herald-system';

/**
 * Turns MetalLB's configuration of before 0.13 (the text under `data.config` of its ConfigMap) into Herald's objects: `address-pools`, `peers`,
 * `bgp-communities` and `bfd-profiles`.
 *
 * @param firstLine line of the file at which the text begins, for the findings
 */
export function migrateConfigMap(text: string, file: string, firstLine = 1): Migration {
  const findings: Migration['findings'] = [];
  const source = new YamlSource(text, file, findings, firstLine);
  const objects: Migrated[] = [];
  for (const document of source.documents) {
    if (document === null) continue;
    const config = MapReader.of(source, document, 'config');
    if (!config) continue;
    const pools = config.maps('address-pools', 'address-pools');
    const peers = config.maps('peers', 'peers');
    objects.push(...communities(config), ...config.maps('bfd-profiles', 'bfd-profiles').map(bfdProfile));
    for (const [index, peer] of peers.entries()) objects.push(bgpPeer(peer, index));
    for (const pool of pools) objects.push(...addressPool(pool, peers.length > 0));
    config.reportRest();
  }
  return { objects, findings };
}

function addressPool(pool: MapReader, hasPeers: boolean): Migrated[] {
  const given = pool.string('name');
  if (given === undefined) pool.lost('name', 'has no name; it was called default');
  const name = objectName(given ?? 'default');
  if (given !== undefined && name !== given) pool.changed('name', `the name ${given} is not one that Kubernetes allows; it became ${name}`);
  const addresses = pool.strings('addresses').map(range => range.replaceAll(/\s+/g, ''));
  if (addresses.length === 0) pool.lost('addresses', `pool ${name} has no addresses`);
  const autoAssign = pool.boolean('auto-assign');
  const avoidBuggyIPs = pool.boolean('avoid-buggy-ips');
  const spec = {
    addresses,
    ...(autoAssign === undefined ? {} : { autoAssign }),
    ...(avoidBuggyIPs === undefined ? {} : { avoidBuggyIPs }),
  };
  const objects = [object('IPAddressPool', name, spec)];
  const protocol = pool.string('protocol');
  const advertisements = pool.maps('bgp-advertisements', `bgp-advertisements of ${name}`);
  if (protocol === 'layer2') {
    objects.push(object('L2Advertisement', name, { ipAddressPools: [name] }));
    if (advertisements.length > 0)
      pool.lost('bgp-advertisements', `pool ${name} is announced by layer2, so its bgp-advertisements do nothing`);
  } else if (protocol === 'bgp') {
    if (!hasPeers) pool.lost('protocol', `pool ${name} is announced by BGP, but there are no peers`);
    // MetalLB announced the addresses themselves where no advertisement said otherwise.
    if (advertisements.length === 0) objects.push(object('BGPAdvertisement', name, { ipAddressPools: [name] }));
    for (const [index, advertisement] of advertisements.entries()) {
      objects.push(
        object('BGPAdvertisement', advertisements.length === 1 ? name : `${name}-${index + 1}`, bgpAdvertisement(advertisement, name)),
      );
    }
  } else {
    pool.lost(
      'protocol',
      `pool ${name}: protocol ${protocol === undefined ? 'is missing' : `${protocol} is not known`}; it is layer2 or bgp. Nothing announces the pool`,
    );
  }
  pool.reportRest();
  return objects;
}

function bgpAdvertisement(advertisement: MapReader, pool: string): Record<string, unknown> {
  const spec = {
    ipAddressPools: [pool],
    ...optional('aggregationLength', advertisement.number('aggregation-length')),
    ...optional('aggregationLengthV6', advertisement.number('aggregation-length-v6')),
    ...optional('localPref', advertisement.number('localpref')),
    ...optional('communities', some(advertisement.strings('communities'))),
  };
  advertisement.reportRest();
  return spec;
}

function bgpPeer(peer: MapReader, index: number): Migrated {
  const address = peer.string('peer-address');
  if (address === undefined) peer.lost('peer-address', `peer ${index + 1} has no peer-address; set it before you apply the object`);
  const spec: Record<string, unknown> = {
    ...optional('myASN', required(peer, 'my-asn', index)),
    ...optional('peerASN', required(peer, 'peer-asn', index)),
    ...optional('peerAddress', address),
    ...optional('peerPort', peer.number('peer-port')),
    ...optional('sourceAddress', peer.string('source-address')),
    ...optional('holdTime', duration(peer.string('hold-time'))),
    ...optional('keepaliveTime', duration(peer.string('keepalive-time'))),
    ...optional('routerID', peer.string('router-id')),
    ...optional('password', peer.string('password')),
    ...optional('bfdProfile', peer.string('bfd-profile')),
    ...optional('ebgpMultiHop', peer.boolean('ebgp-multihop')),
    ...optional('nodeSelectors', some(peer.maps('node-selectors', 'node-selectors').map(nodeSelector))),
  };
  if ('password' in spec)
    peer.changed('password', 'the password stands in the object as it stood in the ConfigMap; passwordSecret keeps it in a Secret');
  peer.reportRest();
  return object('BGPPeer', objectName(address === undefined ? `peer-${index + 1}` : `peer-${address.replaceAll(/[.:]+/g, '-')}`), spec);
}

function required(peer: MapReader, key: string, index: number): number | undefined {
  const value = peer.number(key);
  if (value === undefined) peer.lost(key, `peer ${index + 1} has no ${key}; set it before you apply the object`);
  return value;
}

function nodeSelector(selector: MapReader): Record<string, unknown> {
  const matchLabels = Object.fromEntries(selector.map('match-labels', 'match-labels')?.entries() ?? []);
  const matchExpressions = selector.maps('match-expressions', 'match-expressions').map(expression => {
    const values = expression.strings('values');
    const result = {
      key: expression.string('key') ?? '',
      operator: expression.string('operator') ?? '',
      ...optional('values', some(values)),
    };
    expression.reportRest();
    return result;
  });
  selector.reportRest();
  return { ...(Object.keys(matchLabels).length > 0 ? { matchLabels } : {}), ...optional('matchExpressions', some(matchExpressions)) };
}

function communities(config: MapReader): Migrated[] {
  const aliases = config.map('bgp-communities', 'bgp-communities')?.entries() ?? [];
  if (aliases.length === 0) return [];
  return [object('Community', 'communities', { communities: aliases.map(([name, value]) => ({ name, value })) })];
}

function bfdProfile(profile: MapReader): Migrated {
  const name = profile.string('name');
  if (name === undefined) profile.lost('name', 'a profile without a name; it was called default');
  const spec = {
    ...optional('receiveInterval', profile.number('receive-interval')),
    ...optional('transmitInterval', profile.number('transmit-interval')),
    ...optional('detectMultiplier', profile.number('detect-multiplier')),
    ...optional('echoInterval', profile.number('echo-interval')),
    ...optional('echoMode', profile.boolean('echo-mode')),
    ...optional('passiveMode', profile.boolean('passive-mode')),
    ...optional('minimumTtl', profile.number('minimum-ttl')),
  };
  profile.reportRest();
  return object('BFDProfile', objectName(name ?? 'default'), spec);
}

/** MetalLB took a bare number of seconds as well as Go's `1m30s`. */
function duration(text: string | undefined): string | undefined {
  return text !== undefined && /^\d+$/.test(text) ? `${text}s` : text;
}

function optional<K extends string, T>(key: K, value: T | undefined): { [key in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]: T });
}

function some<T>(list: T[]): T[] | undefined {
  return list.length > 0 ? list : undefined;
}

function object(kind: string, name: string, spec: Record<string, unknown>): Migrated {
  return migrated(kind, name, NAMESPACE, spec);
}
