import { expect, it } from 'vitest';
import { nodeIdOf } from './mesh/authentication.ts';
import { WirePlan } from './plan.ts';
import type { SharedAddress } from './share.ts';

const address = (ip: string, change: Partial<SharedAddress> = {}): SharedAddress => ({
  ip,
  nodes: ['a', 'b'],
  interfaces: [],
  eligible: true,
  hold: 0,
  drain: 0,
  restored: [],
  lameDucks: [],
  epoch: 0,
  announcements: ['default/web'],
  ...change,
});
const shared = (...addresses: SharedAddress[]) => new Map(addresses.map(entry => [entry.ip, entry]));

it('tells differences only', () => {
  const plan = new WirePlan();
  const nodes = ['a', 'b'].map(nodeIdOf);
  expect(plan.update(shared(address('192.0.2.1'), address('192.0.2.2', { eligible: false })))).toEqual({
    kind: 'addresses',
    set: [{ ip: '192.0.2.1', nodes, interfaces: [], epoch: 0, hold: 0, drain: 0, restored: [], lameDucks: [] }],
    remove: [],
  });
  expect(plan.update(shared(address('192.0.2.1', { epoch: 7, announcements: ['default/x'] })))).toBeUndefined();
  expect(plan.update(shared(address('192.0.2.1', { interfaces: ['eth1'] })))).toMatchObject({ set: [{ interfaces: ['eth1'] }] });
  expect(plan.update(shared())).toEqual({ kind: 'addresses', set: [], remove: ['192.0.2.1'] });
  expect(plan.update(shared())).toBeUndefined();
});

it('tells of an address that this node may own no more, so that it is handed over', () => {
  const plan = new WirePlan();
  plan.update(shared(address('192.0.2.1')));
  expect(plan.update(shared(address('192.0.2.1', { nodes: ['b'], eligible: false })))).toMatchObject({ set: [{ nodes: [nodeIdOf('b')] }] });
});
