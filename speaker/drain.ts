import { parseDuration } from '@herald/crds';

/** On a Node: give its announcements away, for a maintenance for instance. Cordoning alone does not ask for that. */
export const DRAIN_ANNOTATION = 'heraldlb.io/drain';

const LONGEST = 86_400_000;

/**
 * What the annotation asks for: undefined: nothing (absent, or `false`). Otherwise how long the node goes on serving after its announcements
 * were given away, in milliseconds: a number of seconds, a duration such as `120s`, or with any other value `fallback`.
 */
export function drainTime(annotation: string | undefined, fallback: number): number | undefined {
  if (annotation === undefined || annotation === 'false') return undefined;
  const ms = /^\d{1,9}$/.test(annotation) ? Number(annotation) * 1000 : parseDuration(annotation);
  return Math.min(ms ?? fallback, LONGEST);
}
