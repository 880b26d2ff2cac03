import { describe, expect, it } from 'vitest';
import { allocatedReasons } from './allocated.ts';
import { announcedReasons } from './announced.ts';
import { configurationReasons } from './configuration.ts';
import { eventReasons } from './event.ts';
import { catalogue, reasonEntry, statusOf } from './index.ts';
import { nodeReasons } from './node.ts';
import { nodeModeReasons } from './node-mode.ts';
import { peerReasons } from './peer.ts';
import { speakerReasons } from './speaker.ts';

describe('the catalogue of reasons', () => {
  it('has every name once', () => {
    const tables = [
      allocatedReasons,
      nodeModeReasons,
      announcedReasons,
      nodeReasons,
      configurationReasons,
      peerReasons,
      speakerReasons,
      eventReasons,
    ];
    expect(tables.flatMap(table => Object.keys(table)).toSorted()).toEqual([...catalogue.keys()].toSorted());
  });

  it.each([...catalogue.values()])('$reason is complete', entry => {
    expect(entry.reason).toMatch(/^[A-Z][A-Za-z0-9]{2,63}$/);
    expect(entry.summary).toMatch(/^[A-Za-z].*[^.]$/);
    expect(entry.meaning).toMatch(/^[A-Za-z].*[.]$/);
    expect(entry.remedy).toMatch(/^[A-Za-z].*[.]$/);
    const ofCondition = entry.subject !== 'Node' && entry.subject !== 'Event';
    expect(entry.status !== undefined).toBe(ofCondition);
    if (entry.status === 'True' && entry.subject !== 'Ready') expect(entry.severity).toBe('Normal');
  });

  it('is looked up by name', () => {
    expect(reasonEntry('PoolExhausted')).toMatchObject({
      reason: 'PoolExhausted',
      subject: 'Allocated',
      status: 'False',
      severity: 'Warning',
    });
    expect([statusOf('AddressAssigned'), statusOf('NoAdvertisement'), statusOf('WaitingForSpeakers')]).toEqual([
      'True',
      'False',
      'Unknown',
    ]);
  });
});
