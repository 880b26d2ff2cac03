import type { ObjectRef } from '../config.ts';
import type { ObjectMeta } from '../object.ts';
import type { ConfigurationReason } from '../reasons/index.ts';

/** An object as the API server or a file gives it: nothing about its specification is believed. */
export interface RawObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata?: Partial<ObjectMeta> | undefined;
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** One thing that is wrong with one object. */
export interface Problem {
  readonly reason: ConfigurationReason;
  /** `Error`: the object as written is not in force. `Warning`: it is, but something in it has no effect. */
  readonly severity: 'Error' | 'Warning';
  readonly object: ObjectRef;
  /** Path of the field, such as `spec.addresses[1]`; empty when it is about the object as a whole. */
  readonly field: string;
  /** What is wrong and what to do, naming the objects involved. */
  readonly message: string;
}

/** Collects the problems of one object. */
export class Findings {
  readonly ref: ObjectRef;
  readonly problems: Problem[] = [];

  constructor(ref: ObjectRef) {
    this.ref = ref;
  }

  error(reason: ConfigurationReason, field: string, message: string): void {
    this.problems.push({ reason, severity: 'Error', object: this.ref, field, message });
  }

  warn(reason: ConfigurationReason, field: string, message: string): void {
    this.problems.push({ reason, severity: 'Warning', object: this.ref, field, message });
  }

  get failed(): boolean {
    return this.problems.some(problem => problem.severity === 'Error');
  }
}

/** Quotes a text of unknown origin for a message: escaped, and cut so that it cannot flood a condition. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

export function refOf(object: RawObject): ObjectRef {
  return {
    apiVersion: object.apiVersion ?? '',
    kind: object.kind ?? '',
    namespace: object.metadata?.namespace ?? '',
    name: object.metadata?.name ?? '',
  };
}

/** The API group of a reference. Two versions of one object are the same object. */
export function groupOf(ref: ObjectRef): string {
  return ref.apiVersion.split('/')[0] ?? '';
}

/** Identifies an object over its versions. */
export function objectKey(ref: ObjectRef): string {
  return `${groupOf(ref)}/${ref.kind}/${ref.namespace}/${ref.name}`;
}
