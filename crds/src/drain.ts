import { parseDuration } from './duration.ts';

/** On a Node: give its announcements away, for a maintenance for instance. Cordoning alone does not ask for that. */
export const drainAnnotation = 'heraldlb.io/drain';

/** The longest time that a drain may give to established connections, ms. */
export const LONGEST_DRAIN = 86_400_000;

export interface Drain {
  /** How long established connections may take to end, ms; undefined: as long as usual. */
  readonly within: number | undefined;
}

/**
 * What the annotation asks for; undefined: nothing (absent, or `false`). A number of seconds or a duration such as `120s` sets the time, a day
 * at most; any other value drains in the usual time.
 */
export function drainOf(annotations: Readonly<Record<string, string>> | undefined): Drain | undefined {
  if (annotations === undefined || !Object.hasOwn(annotations, drainAnnotation)) return undefined;
  const text = annotations[drainAnnotation]?.trim();
  if (text === undefined || text === 'false') return undefined;
  const within = /^\d+$/.test(text) ? Number(text) * 1_000 : parseDuration(text);
  return { within: within === null ? undefined : Math.min(within, LONGEST_DRAIN) };
}
