import { NS_LENGTH } from './program.ts';

/**
 * Whether the kernel responder answers a frame of this form, given an entry that covers its target and a lease that runs. A packet socket
 * sees every frame before the responder does; who answers the rest there must leave these alone, or the asker gets two answers.
 * Checks what `responderProgram` checks, in the same order, without the checksum: a message with a bad one deserves no answer anyway.
 */
export function kernelAnswers(frame: Uint8Array): boolean {
  const etherType = word(frame, 12);
  if (etherType === 0x0806) return answersArp(frame);
  return etherType === 0x86dd && answersSolicitation(frame);
}

const word = (frame: Uint8Array, at: number): number => ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);

const equal = (frame: Uint8Array, a: number, b: number, length: number): boolean => {
  for (let i = 0; i < length; i++) if (frame[a + i] !== frame[b + i]) return false;
  return true;
};

function answersArp(frame: Uint8Array): boolean {
  return (
    frame.length >= 42 &&
    word(frame, 14) === 1 &&
    word(frame, 16) === 0x0800 &&
    word(frame, 18) === 0x0604 &&
    word(frame, 20) === 1 &&
    ((frame[22] as number) & 1) === 0 &&
    !equal(frame, 28, 38, 4)
  );
}

function answersSolicitation(frame: Uint8Array): boolean {
  return (
    frame.length === NS_LENGTH &&
    (frame[14] as number) >> 4 === 6 &&
    word(frame, 18) === 32 &&
    word(frame, 20) === 0x3aff &&
    word(frame, 54) === 0x8700 &&
    word(frame, 78) === 0x0101 &&
    ((frame[80] as number) & 1) === 0 &&
    frame[22] !== 0xff &&
    frame.subarray(22, 38).some(byte => byte !== 0) &&
    !equal(frame, 22, 62, 16)
  );
}
