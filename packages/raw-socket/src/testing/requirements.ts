import { execFileSync } from 'node:child_process';
import { type CapabilityName, capabilities } from '../capabilities.ts';

/** Why tests that need these cannot run here; undefined when they can. Printed once, so that a skip never goes unseen. */
export function missing(needs: { capabilities?: CapabilityName[]; programs?: string[] }): string | undefined {
  const held = capabilities();
  const lacks = [
    ...(needs.capabilities ?? []).filter(name => !held.has(name)),
    ...(needs.programs ?? []).filter(program => !installed(program)).map(program => `the program ${program}`),
  ];
  if (lacks.length === 0) return undefined;
  const reason = `missing ${lacks.join(', ')}`;
  console.warn(`skipped: ${reason}`);
  return reason;
}

function installed(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
