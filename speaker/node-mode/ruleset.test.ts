import type { AnnouncementForward } from '@herald/crds';
import { nft, parseIp } from 'raw-socket';
import { describe, expect, it } from 'vitest';
import { type Forwarded, rulesetOf } from './ruleset.ts';

const endpoint = (ip: string, node: string) => ({ ip, port: 8080, node });
const four = [endpoint('10.42.0.2', 'dn0'), endpoint('10.42.1.2', 'dn1')];
const six = endpoint('fd00:42:1::2', 'dn1');
const own = ['192.168.150.40', 'fd00:150::40'];

const web = (more: Partial<AnnouncementForward> = {}, endpoints = [...four, six]): Forwarded => ({
  key: 'default/web',
  forward: { nodes: ['dn0'], trafficPolicy: 'Cluster', ports: [{ protocol: 'TCP', port: 80, endpoints }], ...more },
});

const to = (ip: string) => nft.translateTo(parseIp(ip), 8080);

/** The chains by name, with the number of their rules. */
const shape = (services: Forwarded[], addresses = own) =>
  Object.fromEntries((rulesetOf(services, 'dn0', addresses)?.chains ?? []).map(({ name, rules }) => [name, rules.length]));

describe('the rules of a node', () => {
  it.each<{ desc: string; services: Forwarded[]; addresses?: string[]; is: Record<string, number> }>([
    { desc: 'are none without a Service', services: [], is: {} },
    { desc: 'are none without an address', services: [web()], addresses: [], is: {} },
    { desc: 'are none without an endpoint', services: [web({}, [])], is: {} },
    {
      desc: 'lead each family to its endpoints, and back',
      services: [web()],
      is: { 'to-0': 2, 'to-1': 1, prerouting: 2, output: 2, postrouting: 2 },
    },
    {
      desc: 'lead only to endpoints of the node under Local, with the address of the client',
      services: [web({ trafficPolicy: 'Local' })],
      is: { 'to-0': 1, prerouting: 1, output: 1, postrouting: 0 },
    },
    {
      desc: 'let in only the ranges of the family, and nobody by one that is none',
      services: [web({ sourceRanges: ['10.0.0.0/8', 'fd00::/8', '10.0.0.1', '10.0.0.0/33', 'nonsense'] })],
      is: { 'to-0': 2, 'to-0-any': 2, 'to-2': 2, 'to-2-any': 1, prerouting: 2, output: 2, postrouting: 2 },
    },
  ])('$desc', ({ services, addresses, is }) => {
    expect(shape(services, addresses)).toEqual(is);
  });

  it('give every endpoint the same share, and the last the rest', () => {
    const [chain] = rulesetOf([web({}, four)], 'dn0', own)?.chains ?? [];
    expect(chain?.rules.map(({ expressions }) => Buffer.concat(expressions).toString('hex'))).toEqual([
      Buffer.concat([...nft.protocol(6), ...nft.oneIn(2), ...to('10.42.0.2')]).toString('hex'),
      Buffer.concat([...nft.protocol(6), ...to('10.42.1.2')]).toString('hex'),
    ]);
  });

  it('keep a client at its endpoint where the Service asks for it', () => {
    const [chain] = rulesetOf([web({ affinity: true }, four)], 'dn0', own)?.chains ?? [];
    expect(Buffer.concat(chain?.rules[0]?.expressions ?? []).includes(Buffer.concat(nft.clientsOf(4, 0, 2)))).toBe(true);
  });

  it('do not depend on the order in which Services and addresses are told', () => {
    const other: Forwarded = { ...web(), key: 'default/other' };
    expect(rulesetOf([web(), other], 'dn0', own)).toEqual(rulesetOf([other, web()], 'dn0', [...own].reverse()));
  });
});
