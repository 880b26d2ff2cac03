import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { type CapabilityName, capabilities } from '../capabilities.ts';

/** Why tests that need these cannot run here; undefined when they can. Printed once, so that a skip never goes unseen. */
export function missing(needs: { capabilities?: CapabilityName[]; programs?: string[] }): string | undefined {
  const held = capabilities();
  const lacks = [
    ...(needs.capabilities ?? []).filter(name => !held.has(name)),
    ...(needs.programs ?? []).filter(program => !installed(program)).map(program => `the program ${program}`),
  ];
  if (lacks.length === 0 && needs.programs?.includes('ip') && !canMakeNamespaces()) lacks.push('the permission to make network namespaces');
  if (lacks.length === 0) return undefined;
  const reason = `missing ${lacks.join(', ')}`;
  console.warn(`skipped: ${reason}`);
  return reason;
}

/** Capabilities inside a user namespace are not enough: `ip netns` also writes to /run and mounts. */
function canMakeNamespaces(): boolean {
  const name = `rs-${randomBytes(4).toString('hex')}-t`;
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'ignore' });
    execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function installed(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
