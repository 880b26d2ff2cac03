import { expect, it } from 'vitest';
import { type SpeakerView, sameStatus, statusOf } from './speaker-status.ts';
import { speakerView } from './speaker-view.ts';
import { segmentReport } from './wire/testing.ts';

const segment = segmentReport({ addresses: ['192.0.2.40/24'], peersHeard: ['node-3', 'node-2'], stalls: 1 });
const conflict = { ip: '192.0.2.1', interface: 'eth0', mac: '02:00:00:00:00:66', phase: 'Probe', since: '2026-01-01T00:00:00Z' } as const;
const view = speakerView({ segments: [segment] });

it.each<[string, Partial<SpeakerView>, object]>([
  [
    'one segment, answered by packet socket',
    {},
    { responder: 'packet', segments: [{ interface: 'eth0', peersHeard: ['node-2', 'node-3'], fit: true }] },
  ],
  ['one of two answered by the kernel', { segments: [segment, { ...segment, responder: 'kernel' }] }, { responder: 'kernel' }],
  [
    'no socket',
    { segments: [{ ...segment, responder: 'none', fit: false, unfitReason: 'no socket' }] },
    { responder: 'none', segments: [{ unfitReason: 'no socket' }] },
  ],
  ['no segment', { segments: [] }, { responder: 'none', segments: [] }],
  ['a stranger on an address', { conflicts: [conflict] }, { conflicts: [conflict] }],
  ['an interface that could be named', { excludedInterfaces: ['docker0'] }, { excludedInterfaces: ['docker0'] }],
  [
    'nodes that are not heard, on their interface',
    { missingPeers: new Map([['eth0', ['node-9']]]), segments: [segment, { ...segment, interface: 'eth1' }] },
    { segments: [{ peersMissing: ['node-9'] }, expect.not.objectContaining({ peersMissing: expect.anything() })] },
  ],
  [
    'a gateway that does not learn',
    { segments: [{ ...segment, gatewaysUnconfirmed: [{ gateway: '192.0.2.254', address: '192.0.2.1', addresses: 3 }] }] },
    { segments: [{ gatewaysUnconfirmed: ['192.0.2.254'] }] },
  ],
  [
    'a setting that breaks what is announced',
    { hazards: new Map([['eth0', ['rp_filter=1']]]), segments: [segment, { ...segment, interface: 'eth1' }] },
    { segments: [{ hazards: ['rp_filter=1'] }, expect.not.objectContaining({ hazards: expect.anything() })] },
  ],
  ['working from a snapshot', { snapshotAge: 12 }, { snapshotAgeSeconds: 12 }],
])('%s', (_, change, expected) => {
  expect(statusOf({ ...view, ...change })).toMatchObject(expected);
});

it.each<[string, Partial<SpeakerView>, boolean]>([
  ['nothing changed', {}, true],
  ['a counter moved', { segments: [{ ...segment, stalls: 9 }] }, true],
  ['the snapshot grew older', { snapshotAge: 13 }, true],
  ['its kernel still answers', { segments: [{ ...segment, peersHeard: ['node-2'], peersAnswering: ['node-3'] }] }, false],
  ['kube-proxy changed its mode', { kubeProxy: 'IPVS' }, false],
  ['an interface that could be named', { excludedInterfaces: ['docker0'] }, false],
  ['a peer fell silent', { segments: [{ ...segment, peersHeard: ['node-2'] }] }, false],
  ['an address more', { owned: 1 }, false],
  ['a stranger on an address', { conflicts: [conflict] }, false],
])('worth a write: %s → same %s', (_, change, same) => {
  expect(sameStatus(statusOf(view), statusOf({ ...view, ...change }))).toBe(same);
});

it('bounds the conflicts it lists, and has no list where there is none', () => {
  const conflicts = Array.from({ length: 300 }, (_, i) => ({ ...conflict, interface: `eth${i}` }));
  expect(statusOf({ ...view, conflicts }).conflicts).toHaveLength(256);
  expect(statusOf(view)).not.toHaveProperty('conflicts');
});
