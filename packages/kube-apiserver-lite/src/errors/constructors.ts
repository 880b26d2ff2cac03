import { aggregateText, fieldErrorText } from './field.ts';
import { ApiStatusError, type Cause, type StatusDetails } from './status.ts';

/** The constructors of `k8s.io/apimachinery/pkg/api/errors`, with its texts. */

/** What an error names: `resource` is the plural (`services`), as errors about a request name it. */
export interface GroupResource {
  group: string;
  resource: string;
}

/** What a validation error names: the kind. */
export interface GroupKind {
  group: string;
  kind: string;
}

const qualified = (name: string, group: string): string => (group === '' ? name : `${name}.${group}`);

const details = (name: string, group: string, kind: string, rest: StatusDetails = {}): StatusDetails => ({
  ...(name === '' ? {} : { name }),
  ...(group === '' ? {} : { group }),
  ...(kind === '' ? {} : { kind }),
  ...rest,
});

/** 400. */
export const badRequest = (message: string): ApiStatusError => new ApiStatusError(400, 'BadRequest', message);

/** 401: no, or unknown, credentials. */
export const unauthorized = (): ApiStatusError => new ApiStatusError(401, 'Unauthorized', 'Unauthorized');

/** 403 with the authorizer's reason behind the object. */
export const forbiddenError = ({ group, resource }: GroupResource, name: string, why: string, causes?: readonly Cause[]): ApiStatusError =>
  new ApiStatusError(
    403,
    'Forbidden',
    resource === ''
      ? `forbidden: ${why}`
      : name === ''
        ? `${qualified(resource, group)} is forbidden: ${why}`
        : `${qualified(resource, group)} ${JSON.stringify(name)} is forbidden: ${why}`,
    details(name, group, resource, causes === undefined ? {} : { causes: [...causes] }),
  );

/** 404 for an object. */
export const notFound = ({ group, resource }: GroupResource, name: string): ApiStatusError =>
  new ApiStatusError(404, 'NotFound', `${qualified(resource, group)} ${JSON.stringify(name)} not found`, details(name, group, resource));

/** 404 for a path that an API group does not serve. */
export const noSuchResource = (): ApiStatusError =>
  new ApiStatusError(404, 'NotFound', 'the server could not find the requested resource', {});

/** 405 for a verb that a resource does not have. */
export const methodNotAllowed = (): ApiStatusError =>
  new ApiStatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

/** 409 for a name that is taken. */
export const alreadyExists = ({ group, resource }: GroupResource, name: string): ApiStatusError =>
  new ApiStatusError(
    409,
    'AlreadyExists',
    `${qualified(resource, group)} ${JSON.stringify(name)} already exists`,
    details(name, group, resource),
  );

/** 409 for a write that lost against another one. */
export const conflict = ({ group, resource }: GroupResource, name: string, why: string): ApiStatusError =>
  new ApiStatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource, group)} ${JSON.stringify(name)}: ${why}`,
    details(name, group, resource),
  );

/** What {@link conflict} says about a stale `metadata.resourceVersion`. */
export const OPTIMISTIC_LOCK = 'the object has been modified; please apply your changes to the latest version and try again';

/** 410: the requested version is no longer kept. */
export const expired = (message: string): ApiStatusError => new ApiStatusError(410, 'Expired', message);

/** 422 with field causes; `causes` must not be empty. */
export const invalidObject = ({ group, kind }: GroupKind, name: string, causes: readonly Cause[]): ApiStatusError =>
  new ApiStatusError(
    422,
    'Invalid',
    `${qualified(kind, group)} ${JSON.stringify(name)} is invalid: ${aggregateText(causes.map(fieldErrorText))}`,
    details(name, group, kind, { causes: [...causes] }),
  );

/** 415 for a request body. */
export const unsupportedMediaType = (message: string): ApiStatusError => new ApiStatusError(415, 'UnsupportedMediaType', message);

/** 413. */
export const tooLarge = (message: string): ApiStatusError => new ApiStatusError(413, 'RequestEntityTooLarge', message);

/** 429 with `Retry-After` in seconds. */
export const tooManyRequests = (message: string, retryAfterSeconds: number): ApiStatusError =>
  new ApiStatusError(429, 'TooManyRequests', message, { retryAfterSeconds }, { 'Retry-After': String(retryAfterSeconds) });

/** 500. */
export const internalError = (message: string): ApiStatusError =>
  new ApiStatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
