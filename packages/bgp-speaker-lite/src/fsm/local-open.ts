import { EMPTY } from '../codec/bytes.ts';
import { CapabilityCode } from '../codec/capability/codes.ts';
import { AS_TRANS } from '../codec/capability/four-octet-as.ts';
import { FORWARDING_PRESERVED, NOTIFICATION, RESTARTED } from '../codec/capability/graceful-restart.ts';
import type { Capability } from '../codec/capability/index.ts';
import { ROLE_VALUES } from '../codec/capability/role.ts';
import { AFI_IPV4, AFI_IPV6, afiSafi, SAFI_UNICAST } from '../codec/family.ts';
import { capabilityParameters, type Open } from '../codec/open.ts';
import type { FsmConfig } from './config.ts';

const VERSION = 4;
/** Longest host name that fits beside the others in one classic parameter. */
const MAX_HOSTNAME = 64;

function hostnameOctets(name: string): Uint8Array {
  const target = new Uint8Array(MAX_HOSTNAME);
  return target.slice(0, new TextEncoder().encodeInto(name, target).written);
}

function restartCapabilities(config: FsmConfig, restarting: boolean): Capability[] {
  const restart = config.gracefulRestart;
  // No families: the peer learns that we mark the End-of-RIB, and keeps nothing for us (RFC 4724 §3).
  if (!restart) return [{ code: CapabilityCode.GRACEFUL_RESTART, flags: 0, restartTime: 0, families: [] }];
  const flags = restart.forwardingPreserved ? FORWARDING_PRESERVED : 0;
  const families = config.families.map(family => ({ ...afiSafi(family), flags }));
  const capabilities: Capability[] = [
    {
      code: CapabilityCode.GRACEFUL_RESTART,
      flags: (restarting ? RESTARTED : 0) | (restart.notification ? NOTIFICATION : 0),
      restartTime: restart.restartTime,
      families,
    },
  ];
  const staleTime = restart.longLivedStaleTime ?? 0;
  if (staleTime > 0)
    capabilities.push({
      code: CapabilityCode.LONG_LIVED_GRACEFUL_RESTART,
      families: families.map(family => ({ ...family, staleTime })),
    });
  return capabilities;
}

/** The capabilities announced to a peer, in order of their codes. */
export function localCapabilities(config: FsmConfig, restarting: boolean): Capability[] {
  const named = config.multiprotocol === false ? [] : config.families;
  const capabilities: Capability[] = named.map(family => ({
    code: CapabilityCode.MULTIPROTOCOL,
    reserved: 0,
    ...afiSafi(family),
  }));
  capabilities.push({ code: CapabilityCode.ROUTE_REFRESH });
  if (config.extendedNextHop)
    capabilities.push({
      code: CapabilityCode.EXTENDED_NEXT_HOP,
      encodings: [{ afi: AFI_IPV4, safi: SAFI_UNICAST, nextHopAfi: AFI_IPV6 }],
    });
  if (config.extendedMessages) capabilities.push({ code: CapabilityCode.EXTENDED_MESSAGE });
  if (config.role !== undefined) capabilities.push({ code: CapabilityCode.ROLE, role: ROLE_VALUES[config.role] });
  capabilities.push(...restartCapabilities(config, restarting), { code: CapabilityCode.FOUR_OCTET_AS, asn: config.localAs });
  capabilities.push({ code: CapabilityCode.ENHANCED_ROUTE_REFRESH });
  if (config.hostname !== undefined)
    capabilities.push({ code: CapabilityCode.FQDN, hostname: hostnameOctets(config.hostname), domain: EMPTY, trailing: EMPTY });
  return capabilities.sort((a, b) => a.code - b.code);
}

/** The OPEN for a peer. `plain` leaves the capabilities out, for equipment that has answered 2/4 to them (RFC 5492 §3). */
export function localOpen(config: FsmConfig, options: { readonly restarting: boolean; readonly plain: boolean }): Open {
  return {
    version: VERSION,
    myAs: config.localAs > 0xffff ? AS_TRANS : config.localAs,
    holdTime: config.holdTime,
    bgpIdentifier: config.routerId,
    parameters: options.plain ? [] : capabilityParameters(localCapabilities(config, options.restarting)),
  };
}
