import type { UserInfo } from '../access/user.ts';
import type { Cause } from '../errors.ts';
import type { ApiObject } from '../object.ts';

/** What a strategy may need of the world while one request is served. */
export interface StrategyContext {
  /** RFC 3339 in seconds. */
  now: string;
  dryRun: boolean;
  /** Told to the client in a `Warning` header. */
  warn: (text: string) => void;
  user: UserInfo;
  /** Runs when the write is not stored after all: releases what was allocated. */
  onAbort: (undo: () => void) => void;
}

/**
 * What the API server does to objects of one kind on their way into the store. Objects given to it are the request's own
 * and may be changed; `old` is stored and must not be. The order is the real server's: defaults, field management,
 * admission, prepare, validate, then allocate.
 */
export interface Strategy {
  /** `metadata.generation` counts changes of everything but metadata and status. */
  generation: boolean;
  /** PUT without `metadata.resourceVersion` overwrites; refused otherwise. */
  unconditionalUpdate: boolean;
  /** PUT of a name that does not exist creates it. */
  createOnUpdate: boolean;
  /** The object has a `status` that main verbs do not touch. */
  status: boolean;
  /** Versioned defaults, for every decoded object. */
  defaults?: (object: ApiObject) => void;
  /** Defaults of `/status` alone. */
  admitCreate?: (object: ApiObject, context: StrategyContext) => void;
  prepareCreate?: (object: ApiObject, context: StrategyContext) => void;
  validateCreate?: (object: ApiObject, context: StrategyContext) => Cause[];
  admitUpdate?: (object: ApiObject, old: ApiObject, context: StrategyContext) => void;
  prepareUpdate?: (object: ApiObject, old: ApiObject, context: StrategyContext) => void;
  validateUpdate?: (object: ApiObject, old: ApiObject, context: StrategyContext) => Cause[];
  prepareStatusUpdate?: (object: ApiObject, old: ApiObject, context: StrategyContext) => void;
  validateStatusUpdate?: (object: ApiObject, old: ApiObject, context: StrategyContext) => Cause[];
  /** Before `prepare…` and validation: takes addresses and ports. May throw. */
  begin?: (object: ApiObject, old: ApiObject | undefined, context: StrategyContext) => void;
  /** After the object has gone, or on a change that gave something back. */
  afterDelete?: (object: ApiObject) => void;
  /** Why an object may not be deleted at all. */
  refuseDelete?: (object: ApiObject) => string | undefined;
  /** A deletion marks the object and leaves the rest to a controller: namespaces. */
  deleteGradually?: (object: ApiObject) => boolean;
  /** Seconds that the object is given to end; 0 removes it at once. */
  gracePeriod?: (object: ApiObject) => number;
  /** Changes the object that has just been marked for deletion. */
  markDeleted?: (object: ApiObject) => void;
  /** A complete deletion is answered with the object instead of a Status. */
  returnsDeleted?: boolean;
  /** Warnings about what was asked for. */
  warnings?: (object: ApiObject, old: ApiObject | undefined) => string[];
  /** Fields that the main endpoint resets besides `status`, for field management. */
  resetFields?: readonly (readonly string[])[];
  /** Fields that `/status` resets, for field management. */
  statusResetFields?: readonly (readonly string[])[];
}

/** Most kinds: spec and status, nothing special. */
export const plainStrategy: Strategy = { generation: false, unconditionalUpdate: true, createOnUpdate: false, status: true };
