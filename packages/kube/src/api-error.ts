/** Why a call failed; stable, for decisions in code. */
export type ApiErrorCode =
  | 'config'
  | 'network'
  | 'timeout'
  | 'aborted'
  | 'malformed'
  | 'bad-request'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'already-exists'
  | 'conflict'
  | 'gone'
  | 'invalid'
  | 'unsupported'
  | 'too-many-requests'
  | 'unavailable'
  | 'server-error';

/** `details` of a `metav1.Status`. */
export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  retryAfterSeconds?: number;
  causes?: { reason?: string; message?: string; field?: string }[];
}

export interface ApiErrorInit {
  status?: number;
  reason?: string | undefined;
  details?: StatusDetails | undefined;
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** The one error of this package: what the API server answered, or why it could not be asked. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiErrorCode;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** `reason` of the `metav1.Status`, such as `NotFound` or `Conflict`. */
  readonly reason: string | undefined;
  readonly details: StatusDetails | undefined;
  /** How long the server asks us to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ApiErrorCode, message: string, init: ApiErrorInit = {}) {
    super(message, init.cause === undefined ? {} : { cause: init.cause });
    this.code = code;
    this.status = init.status ?? 0;
    this.reason = init.reason;
    this.details = init.details;
    this.retryAfterMs = init.retryAfterMs;
  }
}

/** True when `error` is an ApiError with one of the codes. */
export function isApiError(error: unknown, ...codes: ApiErrorCode[]): error is ApiError {
  return error instanceof ApiError && (codes.length === 0 || codes.includes(error.code));
}

/** `Retry-After` in milliseconds: seconds or an HTTP date (RFC 9110 §10.2.3). */
export function parseRetryAfter(value: string | undefined, wallMs: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallMs);
}

function codeOf(status: number, reason: string | undefined): ApiErrorCode {
  switch (status) {
    case 400:
      return 'bad-request';
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return 'not-found';
    case 405:
    case 406:
    case 415:
      return 'unsupported';
    case 409:
      return reason === 'AlreadyExists' ? 'already-exists' : 'conflict';
    case 410:
      return 'gone';
    case 422:
      return 'invalid';
    case 429:
      return 'too-many-requests';
    case 503:
      return 'unavailable';
    case 504:
      return 'timeout';
    default:
      return status >= 500 ? 'server-error' : 'bad-request';
  }
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

/** Turns a `metav1.Status` (parsed or not) into an ApiError; `what` names the call. */
export function errorFromStatus(what: string, httpStatus: number, body: unknown, retryAfterMs?: number): ApiError {
  const status = asRecord(body);
  const isStatus = status !== undefined && status['kind'] === 'Status';
  const code = isStatus && typeof status['code'] === 'number' ? status['code'] : httpStatus;
  const reason = isStatus && typeof status['reason'] === 'string' ? status['reason'] : undefined;
  const details = isStatus ? (asRecord(status['details']) as StatusDetails | undefined) : undefined;
  const text =
    isStatus && typeof status['message'] === 'string' ? status['message'] : typeof body === 'string' ? body.trim().slice(0, 300) : '';
  const wait = retryAfterMs ?? (details?.retryAfterSeconds === undefined ? undefined : details.retryAfterSeconds * 1000);
  const expired = reason === 'Expired' || reason === 'Gone';
  return new ApiError(expired ? 'gone' : codeOf(code, reason), `${what}: ${text === '' ? `HTTP ${code}` : text}`, {
    status: code,
    reason,
    details,
    retryAfterMs: wait,
  });
}
