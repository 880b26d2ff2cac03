import { cleanupPins, RawSocketError } from 'raw-socket';
import { SpeakerError } from './error.ts';

/**
 * Silences and removes what speakers of this machine have pinned under `pinDirectory`, also that of one that still runs.
 * @returns the paths removed
 * @throws SpeakerError cleanup-failed
 */
export function cleanupNode(pinDirectory: string): string[] {
  try {
    return cleanupPins(pinDirectory);
  } catch (error) {
    if (!(error instanceof RawSocketError) && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new SpeakerError(
      'cleanup-failed',
      `cannot remove what is pinned under ${pinDirectory}: ${(error as Error).message}; run it as root`,
      {
        cause: error,
      },
    );
  }
}
