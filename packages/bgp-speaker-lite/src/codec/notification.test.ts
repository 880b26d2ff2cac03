import { describe, expect, it } from 'vitest';
import { Cease, cease, describeNotification, hardReset, shutdownMessage } from './notification.ts';

describe('Cease with a text (RFC 9003)', () => {
  it.each([
    { desc: 'plain', text: 'upgrading', expected: 'upgrading' },
    { desc: 'beyond ASCII', text: 'Wartung läuft', expected: 'Wartung läuft' },
    { desc: 'too long: cut at a character', text: 'ä'.repeat(200), expected: 'ä'.repeat(127) },
    { desc: 'empty', text: '', expected: undefined },
  ])('$desc', ({ text, expected }) => {
    expect(shutdownMessage(cease(Cease.ADMINISTRATIVE_SHUTDOWN, text))).toBe(expected);
  });

  it.each([
    { desc: 'length beyond the data', data: [9, 65] },
    { desc: 'not UTF-8', data: [2, 0xff, 0xfe] },
    { desc: 'no data', data: [] },
  ])('counts as no message: $desc', ({ data }) => {
    expect(shutdownMessage({ code: 6, subcode: 2, data: Uint8Array.from(data) })).toBeUndefined();
  });

  it('carries a text for shutdown and reset only', () => {
    expect(cease(Cease.BFD_DOWN, 'x').data).toHaveLength(0);
  });
});

describe('in words', () => {
  it.each([
    { notification: cease(Cease.ADMINISTRATIVE_SHUTDOWN, 'bye'), text: 'Cease: Administrative Shutdown ("bye") [6/2]' },
    { notification: hardReset(cease(Cease.PEER_DECONFIGURED)), text: 'Hard Reset: Cease: Peer De-configured [6/3]' },
    { notification: { code: 4, subcode: 0, data: new Uint8Array() }, text: 'Hold Timer Expired [4/0]' },
    { notification: { code: 77, subcode: 9, data: new Uint8Array() }, text: 'error code 77: subcode 9 [77/9]' },
    { notification: cease(Cease.ADMINISTRATIVE_RESET, 'a\u0007b'), text: 'Cease: Administrative Reset ("a\\u0007b") [6/4]' },
  ])('$text', ({ notification, text }) => {
    expect(describeNotification(notification)).toBe(text);
  });
});
