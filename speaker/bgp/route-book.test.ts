import type { AnnouncedAddress, Announcement, Config } from '@herald/crds';
import { bgpAdvertisement as ad } from '@herald/crds/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouteBook } from './route-book.ts';
import { type BGPNode, routesOf } from './routes.ts';
import { announcement, config } from './testing.ts';

const node = (...peers: string[]): BGPNode => ({ name: 'dn1', labels: {}, peers: new Set(peers) });
const configs: Config[] = [
  config(ad('x')),
  config(ad('x', { med: 5 }), ad('y', { peers: new Set(['r2']) })),
  config(ad('x', { aggregationLength: 30 }), ad('y', { med: 7, aggregationLength: 30 })),
];
const nodes = [node('r1'), node('r1', 'r2'), node('r2')];

describe('RouteBook', () => {
  it('works out what changed, and nothing else', () => {
    const book = new RouteBook();
    const all = config(ad('default'));
    const services = Array.from({ length: 1000 }, (_, index) =>
      announcement(`s${index}`, [`10.0.${index >> 8}.${index & 255}`, { advertisements: ['default'] }]),
    );
    expect(book.update(all, services, nodes[0] as BGPNode)).toHaveLength(1000);
    expect(book.update(all, [...services], node('r1'))).toEqual([]);
    expect(book.update(all, services.slice(1), node('r1'))).toEqual([{ peer: 'r1', prefix: '10.0.0.0/32', route: undefined }]);
    expect(book.update(all, services, node('r1')).map(({ prefix }) => prefix)).toEqual(['10.0.0.0/32']);
  });

  it('comes to the same as working out the whole, whatever happens in whatever order', () => {
    const bgp: fc.Arbitrary<AnnouncedAddress['bgp']> = fc.constantFrom(
      undefined,
      { advertisements: ['x'] },
      { advertisements: ['x', 'y'] },
      { advertisements: ['y'], nodes: ['dn2'] },
    );
    const service = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.array(fc.tuple(fc.integer({ min: 0, max: 7 }), bgp), { maxLength: 2 }));
    const step = fc.record({
      services: fc.uniqueArray(service, { selector: ([name]) => name, maxLength: 5 }),
      config: fc.constantFrom(...configs),
      node: fc.constantFrom(...nodes),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), steps => {
        const book = new RouteBook();
        const told = new Map<string, object>();
        let known = new Map<string, Announcement>();
        for (const { services, config: now, node: me } of steps) {
          // What did not change is the same object, as in an informer.
          const objects = services.map(([name, addresses]): [string, Announcement] => {
            const made = announcement(
              `s${name}`,
              ...addresses.map(([last, plan]): [string, AnnouncedAddress['bgp']?] => [`10.0.0.${last}`, plan]),
            );
            const old = known.get(`s${name}`);
            return [`s${name}`, old !== undefined && JSON.stringify(old) === JSON.stringify(made) ? old : made];
          });
          known = new Map(objects);
          const announcements = [...known.values()];
          for (const { peer, prefix, route } of book.update(now, announcements, me))
            if (route === undefined) told.delete(`${peer} ${prefix}`);
            else told.set(`${peer} ${prefix}`, route);
          const whole = routesOf(now, announcements, me);
          const expected = new Map(
            [...whole.routes].flatMap(([peer, list]) => list.map(route => [`${peer} ${route.prefix}`, route] as const)),
          );
          expect(Object.fromEntries(told)).toEqual(Object.fromEntries(expected));
          expect(new Set(book.conflicts.map(({ peer, prefix }) => `${peer} ${prefix}`))).toEqual(
            new Set(whole.conflicts.map(({ peer, prefix }) => `${peer} ${prefix}`)),
          );
        }
      }),
    );
  });
});
