import { randomInt, randomUUID } from 'node:crypto';

/** Time and chance, given from outside so that tests can hold them. */
export interface Environment {
  now: () => Date;
  uuid: () => string;
  /** What `generateName` is completed with: 5 characters. */
  suffix: () => string;
  /** A whole number in [0, bound). */
  random: (bound: number) => number;
}

// Kubernetes leaves out vowels and 0, 1, 3, so that no words come about (k8s.io/apimachinery/pkg/util/rand).
const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export const systemEnvironment: Environment = {
  now: () => new Date(),
  uuid: () => randomUUID(),
  suffix: () => Array.from({ length: 5 }, () => SUFFIX_ALPHABET[randomInt(SUFFIX_ALPHABET.length)]).join(''),
  random: bound => randomInt(bound),
};

/** RFC 3339 in whole seconds, as `metav1.Time` is written. */
export const timestamp = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;
