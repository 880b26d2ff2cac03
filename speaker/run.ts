import { capabilities } from 'raw-socket';
import { SpeakerError } from './error.ts';
import type { SpeakerOptions } from './options.ts';
import { WireThread } from './wire/thread.ts';

/** Runs the speaker of one node until `signal` aborts; then hands its addresses over and says goodbye. */
export async function runSpeaker(options: SpeakerOptions, signal: AbortSignal): Promise<void> {
  requireCapabilities();
  // The thread loads on another core while this one loads the rest and asks the API server: a quarter of the time to ready.
  const wire = new WireThread();
  try {
    const { serve } = await import('./serve.ts');
    await serve(options, wire, signal);
  } finally {
    await wire.stop();
  }
}

function requireCapabilities(): void {
  if (capabilities().has('CAP_NET_RAW')) return;
  throw new SpeakerError(
    'missing-capability',
    'the speaker lacks CAP_NET_RAW and cannot answer ARP and NDP: run it as root, or add NET_RAW to securityContext.capabilities.add of its container',
  );
}
