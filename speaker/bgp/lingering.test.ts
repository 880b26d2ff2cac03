import type { AnnouncedAddress, Announcement, AnnouncementReason } from '@herald/crds';
import { bgpAdvertisement as ad } from '@herald/crds/testing';
import { describe, expect, it } from 'vitest';
import { lingeringRoutes } from './lingering.ts';
import { type BGPNode, routesOf } from './routes.ts';
import { announcement, config } from './testing.ts';

const node: BGPNode = { name: 'dn1', labels: {}, peers: new Set(['tor']) };
const everywhere: AnnouncedAddress['bgp'] = { advertisements: ['default'] };
const elsewhere: AnnouncedAddress['bgp'] = { advertisements: ['default'], nodes: ['dn2'] };
const web = announcement('web', ['10.0.0.1', everywhere]);
const before = [web, announcement('api', ['10.0.0.2', everywhere])];
const because = (reason: AnnouncementReason['reason'], ip?: string): AnnouncementReason => ({
  ...(ip === undefined ? {} : { ip }),
  reason,
  message: '',
});
const given = (object: Announcement, ...reasons: AnnouncementReason[]): Announcement => ({ ...object, spec: { ...object.spec, reasons } });

describe('the routes of a node that is being left', () => {
  it.each<[string, Announcement[], string[]]>([
    [
      'stay when others announce in its place',
      [announcement('web', ['10.0.0.1', elsewhere]), announcement('api', ['10.0.0.2', elsewhere])],
      ['10.0.0.1/32', '10.0.0.2/32'],
    ],
    ['go with their Service', [announcement('web', ['10.0.0.1', elsewhere])], ['10.0.0.1/32']],
    [
      'go when nothing serves them any more',
      [announcement('web', ['10.0.0.1']), announcement('api', ['10.0.0.2', elsewhere])],
      ['10.0.0.2/32'],
    ],
    [
      'stay when every node is being left',
      [given(announcement('web', ['10.0.0.1']), because('AllNodesExcluded', '10.0.0.1'))],
      ['10.0.0.1/32'],
    ],
    [
      'stay when every node is being left, whatever the address',
      [given(announcement('web', ['10.0.0.1']), because('AllNodesExcluded'))],
      ['10.0.0.1/32'],
    ],
    ['go for another reason', [given(announcement('web', ['10.0.0.1']), because('NoReadyEndpoints'))], []],
    ['are joined by no new one', [web, announcement('new', ['10.0.0.3', everywhere])], ['10.0.0.1/32']],
  ])('%s', (_, announcements, prefixes) => {
    const all = config(ad('default'));
    const { routes } = lingeringRoutes(routesOf(all, before, node), all, announcements, node);
    expect(routes.get('tor')?.map(({ prefix }) => prefix)).toEqual(prefixes);
  });

  it('keep their attributes', () => {
    const was = routesOf(config(ad('default', { med: 5 })), [web], node);
    expect(lingeringRoutes(was, config(ad('default', { med: 9 })), [web], node).routes.get('tor')).toEqual([
      { prefix: '10.0.0.1/32', med: 5 },
    ]);
  });
});
