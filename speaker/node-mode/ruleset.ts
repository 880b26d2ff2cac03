import type { AnnouncementForward } from '@herald/crds';
import { type NftChain, type NftRule, type NftTable, nft, parseIp } from 'raw-socket';

/** What one Service has this node forward. */
export interface Forwarded {
  /** `namespace/name`. */
  readonly key: string;
  readonly forward: AnnouncementForward;
}

type Port = AnnouncementForward['ports'][number];
type Endpoint = Port['endpoints'][number];

/** Herald's own table: nobody else writes it, and it touches nobody else's. */
export const tableName = 'herald';

const protocols = { TCP: 6, UDP: 17, SCTP: 132 } as const;

/** Before kube-proxy translates (-100) and masquerades (100): a connection is translated once. */
const before = { destination: -110, source: 90 };

/**
 * The rules of this node: what comes for one of its addresses and a port of a Service goes to an endpoint. Under Cluster to any of them,
 * masqueraded, so that the answer comes back through this node; under Local to those on this node, with the address of the client.
 * Null: there is nothing to forward.
 */
export function rulesetOf(services: readonly Forwarded[], node: string, ownAddresses: readonly string[]): NftTable | null {
  const own = [...new Set(ownAddresses)].sort().map(parseIp);
  const chains: NftChain[] = [];
  const dispatch: NftRule[] = [];
  const masquerade: NftRule[] = [];
  for (const { key, forward } of [...services].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    for (const port of forward.ports) {
      const endpoints = endpointsOf(port, forward, node);
      for (const family of [4, 6] as const) {
        const mine = own.filter(address => address.length === (family === 4 ? 4 : 16));
        const targets = endpoints.filter(({ ip }) => ip.includes(':') === (family === 6));
        // Where nothing is to be reached the node itself refuses the connection.
        if (mine.length === 0 || targets.length === 0) continue;
        const name = `to-${chains.length}`;
        chains.push({ name, rules: rulesFor(port, forward, family, targets, name) });
        if (forward.sourceRanges !== undefined) chains.push({ name: `${name}-any`, rules: spread(port, forward, family, targets) });
        const protocol = protocols[port.protocol];
        const comment = `${key}:${port.port}`.slice(0, 100);
        for (const address of mine) {
          const at = [...nft.destination(address), ...nft.protocol(protocol), ...nft.destinationPort(port.port)];
          dispatch.push({ expressions: [...at, ...nft.jump(name)], comment });
          if (forward.trafficPolicy === 'Cluster')
            masquerade.push({
              expressions: [...nft.protocol(protocol), ...nft.translatedFrom(address, port.port), ...nft.masquerade()],
              comment,
            });
        }
      }
    }
  }
  if (dispatch.length === 0) return null;
  return {
    name: tableName,
    chains: [
      ...chains,
      { name: 'prerouting', hook: { at: 'prerouting', priority: before.destination }, rules: dispatch },
      { name: 'output', hook: { at: 'output', priority: before.destination }, rules: dispatch },
      { name: 'postrouting', hook: { at: 'postrouting', priority: before.source }, rules: masquerade },
    ],
  };
}

function endpointsOf({ endpoints }: Port, { trafficPolicy }: AnnouncementForward, node: string): readonly Endpoint[] {
  return trafficPolicy === 'Local' ? endpoints.filter(endpoint => endpoint.node === node) : endpoints;
}

function rulesFor(port: Port, forward: AnnouncementForward, family: 4 | 6, targets: readonly Endpoint[], name: string): NftRule[] {
  if (forward.sourceRanges === undefined) return spread(port, forward, family, targets);
  const ranges = forward.sourceRanges.flatMap(range => rangeOf(range, family) ?? []);
  return [
    ...ranges.map(({ address, length }) => ({ expressions: [...nft.sourceWithin(address, length), ...nft.goto(`${name}-any`)] })),
    { expressions: nft.drop() },
  ];
}

/** A range that is none is left out: it lets nobody in. */
function rangeOf(range: string, family: 4 | 6): { address: Buffer; length: number } | undefined {
  const [text = '', length = ''] = range.trim().split('/');
  const bits = family === 4 ? 32 : 128;
  try {
    const address = parseIp(text);
    if (address.length * 8 !== bits || !/^\d{1,3}$/.test(length) || Number(length) > bits) return undefined;
    return { address, length: Number(length) };
  } catch {
    return undefined;
  }
}

/** To one of the endpoints: by chance, or by a hash of the client's address where the Service wants clients to stay. */
function spread(port: Port, { affinity }: AnnouncementForward, family: 4 | 6, targets: readonly Endpoint[]): NftRule[] {
  const protocol = nft.protocol(protocols[port.protocol]);
  return targets.map(({ ip, port: target }, index) => {
    const rest = targets.length - index;
    const chosen = affinity === true ? nft.clientsOf(family, index, targets.length) : nft.oneIn(rest);
    return { expressions: [...protocol, ...(rest === 1 ? [] : chosen), ...nft.translateTo(parseIp(ip), target)] };
  });
}
