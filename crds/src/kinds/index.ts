import type { AnyKind } from '../define.ts';
import { announcement } from './announcement.ts';
import { ipAddressPool } from './ip-address-pool.ts';
import { l2Advertisement } from './l2-advertisement.ts';
import { speaker } from './speaker.ts';

/** Every kind of Herald: those a user writes first, then those Herald writes. */
export const kinds: readonly AnyKind[] = [ipAddressPool, l2Advertisement, announcement, speaker];
