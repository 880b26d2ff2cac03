import type { Announcement, AnnouncementSpec, Speaker, SpeakerConflict } from '@herald/crds';
import { formatAddress } from '@herald/ip';
import { ManualClock } from '@herald/kube/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { Conflicts } from './conflicts.ts';

const ip = '10.0.0.1';
const quarantineMs = 60_000;
let clock: ManualClock;
let speakers: Speaker[];
let holders: Record<string, string[]>;
let owners: string[];
let shunned: string[];
let found: string[];
let isNew: boolean;

beforeEach(() => {
  clock = new ManualClock(0);
  isNew = true;
  [speakers, holders, owners, shunned, found] = [[], { [ip]: ['x/web'] }, [], [], []];
});

function conflicts(quarantine = quarantineMs): Conflicts {
  const layer2 = { nodes: ['n1', 'n2'], interfaces: [] };
  return new Conflicts({
    clock,
    quarantineMs: quarantine,
    speakers: () => speakers,
    holders: address => holders[formatAddress(address)] ?? [],
    planned: (): AnnouncementSpec => ({
      addresses: [
        { ip, pool: 'lan', layer2 },
        { ip: '10.0.0.2', pool: 'lan' },
      ],
    }),
    announcement: (): Announcement => ({
      apiVersion: 'heraldlb.io/v1beta1',
      kind: 'Announcement',
      metadata: { name: 'web' },
      spec: { addresses: [] },
      status: {
        owners: owners.map(owned => ({ ip: owned, segment: 's', node: 'n2', interface: 'eth1', mac: 'm', since: 't', epoch: 1 })),
      },
    }),
    isNew: () => isNew,
    shun: (address, until, stranger) => shunned.push(`${formatAddress(address)} until ${until}: ${stranger}`),
    onFound: ({ ip, phase }) => found.push(`${ip} ${phase}`),
  });
}

function says(node: string, ...list: Partial<SpeakerConflict>[]): Speaker {
  const conflict: SpeakerConflict = { ip, interface: 'eth0', mac: '02:00:00:00:00:66', phase: 'Probe', since: 't' };
  const status = { conflicts: list.map(each => ({ ...conflict, ...each })) };
  return { apiVersion: 'heraldlb.io/v1beta1', kind: 'Speaker', metadata: { name: node }, status };
}

describe('Conflicts', () => {
  const probed = [`${ip} until 60000: 02:00:00:00:00:66 on interface eth0 of node n1`];
  it.each<[string, () => void, string[], string[]]>([
    ['nothing reported', () => {}, [], []],
    ['found before the first use', () => (speakers = [says('n1', {})]), probed, [`${ip} Probe`]],
    ['found by two nodes', () => (speakers = [says('n1', {}), says('n2', {})]), probed, [`${ip} Probe`]],
    ['found while announcing', () => (speakers = [says('n1', { phase: 'Announcing' })]), [], [`${ip} Announcing`]],
    [
      'found before its first use on one interface, and announced on another',
      () => {
        speakers = [says('n1', {})];
        owners = [ip];
      },
      [],
      [`${ip} Probe`],
    ],
    [
      'defended by one node, refused by another',
      () => (speakers = [says('n1', {}), says('n2', { phase: 'Announcing' })]),
      [],
      [`${ip} Probe`, `${ip} Announcing`],
    ],
    ['said by a node that is not to announce it', () => (speakers = [says('n9', {})]), [], []],
    ['on an address that nobody holds', () => (speakers = [says('n1', { ip: '10.0.0.7' })]), [], []],
    [
      'on an address that is not announced by layer 2',
      () => {
        speakers = [says('n1', { ip: '10.0.0.2' })];
        holders['10.0.0.2'] = ['x/web'];
      },
      [],
      [],
    ],
    ['on what is no address', () => (speakers = [says('n1', { ip: 'nonsense' })]), [], []],
  ])('%s', (_, given, told, counted) => {
    given();
    const watch = conflicts();
    watch.look();
    watch.look();
    expect([shunned, found]).toEqual([told, counted]);
    watch.stop();
  });

  it('tells again while the stranger stays, so that the time runs from the last report', async () => {
    speakers = [says('n1', {})];
    const watch = conflicts();
    watch.look();
    await clock.advance(3 * quarantineMs);
    expect(shunned.map(text => text.split(':')[0])).toEqual([60, 90, 120, 150, 180, 210, 240].map(s => `${ip} until ${s * 1000}`));
    expect(found).toHaveLength(1);
    // The Service has another address, and the speaker no reason to look any more.
    holders = {};
    await clock.advance(3 * quarantineMs);
    expect(shunned).toHaveLength(7);
    expect(clock.pending).toBe(0);
    watch.stop();
  });

  it('counts a stranger that comes back again', () => {
    const watch = conflicts();
    for (const present of [true, false, true]) {
      speakers = [says('n1', ...(present ? [{}] : []))];
      watch.look();
    }
    expect(found).toHaveLength(2);
    watch.stop();
  });

  it('moves nothing that the Service brought along, and reports it', () => {
    isNew = false;
    speakers = [says('n1', {})];
    conflicts().look();
    expect([shunned, found]).toEqual([[], [`${ip} Probe`]]);
  });

  it('moves nothing without a quarantine, and does nothing once stopped', () => {
    speakers = [says('n1', {})];
    const watch = conflicts(0);
    watch.look();
    expect([shunned, found, clock.pending]).toEqual([[], [`${ip} Probe`], 0]);
    watch.stop();
    speakers = [says('n1', { mac: '02:00:00:00:00:67' })];
    watch.changed();
    watch.look();
    expect(found).toHaveLength(1);
  });
});
