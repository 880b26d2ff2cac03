import type { SpeakerView } from './speaker-status.ts';

/** What a speaker in order that announces nothing knows of itself, as far as `more` does not say otherwise. For tests. */
export function speakerView(more: Partial<SpeakerView> = {}): SpeakerView {
  return {
    version: '1',
    startedAt: '2026-01-01T00:00:00Z',
    snapshotAge: undefined,
    kubeProxy: 'Other',
    nodeForwarding: 'Off',
    owners: [],
    owned: 0,
    segments: [],
    meshPort: 7947,
    missingPeers: new Map(),
    hazards: new Map(),
    excludedInterfaces: [],
    conflicts: [],
    sessions: [],
    routeConflicts: [],
    problem: undefined,
    ...more,
  };
}
