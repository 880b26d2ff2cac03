import { z } from 'zod';
import type { ValidationRule } from './structural.ts';

// The vocabulary of Herald's schemas. Everything is bounded, because the API server prices CEL rules by the bounds.

/** CEL rules beside the field they guard. */
export const rules = (...list: ValidationRule[]) => ({ 'x-kubernetes-validations': list });

export const integer = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum);

export const text = (maxLength: number) => z.string().max(maxLength);

/** Name of a Kubernetes object (RFC 1123 subdomain). */
export const objectName = () => z.string().min(1).max(253);

export const namespaceName = () => z.string().min(1).max(63);

/** Text of one IP address. The exact check is `resolve()`'s: CEL's `isIP` needs Kubernetes 1.30. */
export const ipText = () =>
  z
    .string()
    .min(2)
    .max(45)
    .regex(/^[0-9a-fA-F:.]+$/);

/** A CIDR or a range `first-last`. */
export const rangeText = () =>
  z
    .string()
    .min(4)
    .max(100)
    .regex(/^[0-9a-fA-F:.]+(\/[0-9]{1,3}|\s*-\s*[0-9a-fA-F:.]+)$/);

/** A duration as Go and Kubernetes write it: `90s`, `1m30s`, `300ms`. */
export const durationText = () =>
  z
    .string()
    .min(1)
    .max(32)
    .regex(/^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$/);

/** RFC 3339. */
export const timestamp = () => z.string().meta({ format: 'date-time' });

/** A list in which no entry occurs twice. */
export const setOf = <T extends z.ZodType>(item: T, maxItems: number) =>
  z.array(item).max(maxItems).meta({ 'x-kubernetes-list-type': 'set' });

/** A list that is replaced as a whole. */
export const listOf = <T extends z.ZodType>(item: T, maxItems: number) =>
  z.array(item).max(maxItems).meta({ 'x-kubernetes-list-type': 'atomic' });

/** A list whose entries are identified by keys, so that several writers each own theirs (server-side apply). */
export const mapListOf = <T extends z.ZodType>(item: T, keys: readonly string[], maxItems: number) =>
  z
    .array(item)
    .max(maxItems)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [...keys] });

/** `metav1.LabelSelector`. An empty selector selects everything. */
export const labelSelector = () =>
  z.object({
    matchLabels: z
      .record(z.string().max(317), z.string().max(63))
      .meta({ maxProperties: 32, description: 'Labels that must all be present with exactly these values.' })
      .exactOptional(),
    matchExpressions: listOf(
      z
        .object({
          key: z.string().min(1).max(317).describe('The label key.'),
          operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('How the key relates to the values.'),
          values: listOf(z.string().max(63), 64)
            .describe('The values: at least one for In and NotIn, none for Exists and DoesNotExist.')
            .exactOptional(),
        })
        .meta(
          rules({
            rule: "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
            message: 'In and NotIn need at least one value; Exists and DoesNotExist take none',
          }),
        ),
      16,
    )
      .describe('Requirements that must all hold.')
      .exactOptional(),
  });

/** `metav1.Condition`, by type. */
export const conditions = () =>
  mapListOf(
    z.object({
      type: text(316).describe('What the condition is about.'),
      status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
      observedGeneration: integer(0, Number.MAX_SAFE_INTEGER).describe('The generation of the spec this was found at.').exactOptional(),
      lastTransitionTime: timestamp().describe('When the status last changed.'),
      reason: text(1024).describe('Why, in one CamelCase word of the catalogue of reasons.'),
      message: text(32_768).describe('Why, for people: the objects involved and the remedy.'),
    }),
    ['type'],
    16,
  ).describe('The state of the object, by type.');
