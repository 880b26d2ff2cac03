import type { Config, ObjectRef } from '../config.ts';
import type { ConfigurationReason } from '../reasons/index.ts';
import { type Findings, objectKey, type RawObject } from './problem.ts';

/** A condition without its times, which are the shell's business. */
export interface ConditionOutcome {
  readonly type: 'Ready' | 'Overlapping';
  readonly status: 'True' | 'False';
  readonly reason: ConfigurationReason;
  readonly message: string;
}

/** What became of one object. */
export interface ObjectOutcome {
  readonly ref: ObjectRef;
  /** The generation that was judged. */
  readonly generation: number | undefined;
  readonly conditions: readonly ConditionOutcome[];
  /** Whether any version of the object is in force. */
  readonly inForce: boolean;
}

const MAX_MESSAGE = 2000;

export function outcomeOf(object: RawObject, findings: Findings, config: Config): ObjectOutcome {
  const inForce = !findings.failed || isInForce(findings.ref, config);
  const conditions = [ready(findings, inForce)];
  if (findings.ref.kind === 'IPAddressPool') conditions.push(overlapping(findings));
  return { ref: findings.ref, generation: object.metadata?.generation, conditions, inForce };
}

function ready(findings: Findings, inForce: boolean): ConditionOutcome {
  const errors = findings.problems.filter(problem => problem.severity === 'Error');
  const [first] = errors.length > 0 ? errors : findings.problems;
  if (first === undefined) return { type: 'Ready', status: 'True', reason: 'Valid', message: 'The object is valid and in use.' };
  const texts = findings.problems.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`));
  const keepsOld = errors.length > 0 && inForce && first.reason !== 'OverlapsOtherPool' && first.reason !== 'MissingProfile';
  if (keepsOld && first.reason === 'AggregationTooLong')
    texts.push('Until then the last valid version stays in force; after a restart, this one for the pools that it fits.');
  else if (keepsOld) texts.push('Until then the last valid version stays in force.');
  const message = texts.join(' ');
  return {
    type: 'Ready',
    status: errors.length > 0 ? 'False' : 'True',
    reason: first.reason,
    message: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message,
  };
}

function overlapping(findings: Findings): ConditionOutcome {
  const problem = findings.problems.find(({ reason }) => reason === 'OverlapsOtherPool');
  if (problem === undefined)
    return { type: 'Overlapping', status: 'False', reason: 'NoOverlap', message: 'No older pool contains addresses of this one.' };
  return { type: 'Overlapping', status: 'True', reason: 'OverlapsOtherPool', message: problem.message };
}

function isInForce(ref: ObjectRef, config: Config): boolean {
  const key = objectKey(ref);
  const lists = [
    config.pools,
    config.reservations,
    config.l2Advertisements,
    config.bgpAdvertisements,
    config.peers,
    [...config.bfdProfiles.values()],
  ];
  return ref.kind === 'Community' || lists.some(list => list.some(item => objectKey(item.ref) === key));
}
