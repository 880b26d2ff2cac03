import { SpeakerError } from './error.ts';
import { MESH_PROFILES } from './mesh/timers.ts';
import { MESH_PORT, type SpeakerOptions } from './options.ts';
import { EXCLUDED_INTERFACES } from './wire/devices.ts';
import type { WireAddress, WireCommand, WireOptions } from './wire/messages.ts';

/** What the wire thread begins with. */
export function wireOptionsOf(
  options: SpeakerOptions,
  clusterUid: string,
  secrets: readonly Uint8Array[],
  commands: readonly WireCommand[],
): WireOptions {
  return {
    node: options.nodeName,
    clusterUid,
    addresses: planned(commands),
    secrets,
    port: options.meshPort ?? MESH_PORT,
    timers: MESH_PROFILES[options.meshProfile ?? 'default'],
    excludeInterfaces: options.excludeInterfaces ?? EXCLUDED_INTERFACES,
    realtime: true,
    responder: options.responder ?? 'auto',
    pinDirectory: options.pinDirectory,
    caretaker: options.caretaker ?? true,
  };
}

/** The plan that these commands leave. */
function planned(commands: readonly WireCommand[]): WireAddress[] {
  const addresses = new Map<string, WireAddress>();
  for (const command of commands) {
    if (command.kind !== 'addresses') continue;
    for (const address of command.set) addresses.set(address.ip, address);
    for (const ip of command.remove) addresses.delete(ip);
  }
  return [...addresses.values()];
}

/**
 * A pattern that is no regular expression would only fail in the wire thread.
 * @throws SpeakerError bad-interface-pattern
 */
export function checkPatterns(patterns: readonly string[]): void {
  for (const pattern of patterns) {
    try {
      RegExp(pattern);
    } catch (error) {
      throw new SpeakerError('bad-interface-pattern', `--exclude-interfaces: ${JSON.stringify(pattern)} is no regular expression`, {
        cause: error,
      });
    }
  }
}
