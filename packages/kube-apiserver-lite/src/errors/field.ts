import type { Cause } from './status.ts';

/** Field errors as `k8s.io/apimachinery/pkg/util/validation/field` words them; `field` is a path like `spec.ports[0].port`. */

/** How Go's field errors print a value: strings quoted, everything else as JSON. */
export function quoteValue(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

const withDetail = (head: string, detail: string): string => (detail === '' ? head : `${head}: ${detail}`);

/** `field.Invalid`. */
export const invalid = (field: string, value: unknown, detail: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: withDetail(`Invalid value: ${quoteValue(value)}`, detail),
  field,
});

/** `field.TypeInvalid`. */
export const typeInvalid = (field: string, value: unknown, detail: string): Cause => ({
  reason: 'FieldValueTypeInvalid',
  message: withDetail(`Invalid value: ${quoteValue(value)}`, detail),
  field,
});

/** `field.Required`. */
export const required = (field: string, detail = ''): Cause => ({
  reason: 'FieldValueRequired',
  message: withDetail('Required value', detail),
  field,
});

/** `field.Forbidden`. */
export const forbidden = (field: string, detail: string): Cause => ({
  reason: 'FieldValueForbidden',
  message: withDetail('Forbidden', detail),
  field,
});

/** `field.Duplicate`. */
export const duplicate = (field: string, value: unknown): Cause => ({
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${quoteValue(value)}`,
  field,
});

/** `field.NotFound`. */
export const notFoundValue = (field: string, value: unknown): Cause => ({
  reason: 'FieldValueNotFound',
  message: `Not found: ${quoteValue(value)}`,
  field,
});

/** `field.NotSupported`: the supported values in the order given, which the real server has sorted in most places. */
export const notSupported = (field: string, value: unknown, supported: readonly string[]): Cause => ({
  reason: 'FieldValueNotSupported',
  message: withDetail(
    `Unsupported value: ${quoteValue(value)}`,
    supported.length === 0 ? '' : `supported values: ${supported.map(quoteValue).join(', ')}`,
  ),
  field,
});

/** `field.TooLong`, in bytes. */
export const tooLong = (field: string, maxBytes: number): Cause => ({
  reason: 'FieldValueTooLong',
  message: `Too long: may not be more than ${maxBytes} bytes`,
  field,
});

/** `field.TooMany`: `actual` items where at most `max` may be. */
export const tooMany = (field: string, actual: number, max: number): Cause => ({
  reason: 'FieldValueTooMany',
  message: `Too many: ${actual}: must have at most ${max} ${max === 1 ? 'item' : 'items'}`,
  field,
});

/** `field.Error.Error()`: the path, then the text. */
export const fieldErrorText = (cause: Cause): string => `${cause.field}: ${cause.message}`;

/** `utilerrors.Aggregate.Error()`: one error bare, several in brackets; the same text is said once. */
export function aggregateText(texts: readonly string[]): string {
  const once = [...new Set(texts)];
  return once.length === 1 ? (once[0] ?? '') : `[${once.join(', ')}]`;
}
