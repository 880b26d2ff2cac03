import type { BFDProfileConfig } from '../config.ts';
import { bfdProfile } from '../kinds/bfd-profile.ts';
import { Findings, type RawObject, refOf } from './problem.ts';
import { readSpec } from './read.ts';

export function readBFDProfile(object: RawObject, previous: BFDProfileConfig | undefined) {
  const findings = new Findings(refOf(object));
  const spec = readSpec(bfdProfile.spec, object.spec, findings);
  const value: BFDProfileConfig | undefined = spec === undefined ? previous : { ref: findings.ref, name: findings.ref.name, ...spec };
  return { value, findings };
}
