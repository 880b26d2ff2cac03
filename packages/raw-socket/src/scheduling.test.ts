import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { missing } from './testing/requirements.ts';

/** In a process of its own, so that the test runner keeps its priority. */
function inChild(wrapper: string[], program: string): unknown {
  const imports = `import { setRealtime } from ${JSON.stringify(new URL('./scheduling.ts', import.meta.url).href)};`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', imports + program];
  const line: string[] = [...wrapper, process.execPath, ...args];
  return JSON.parse(execFileSync(line[0] ?? '', line.slice(1), { encoding: 'utf8', cwd: fileURLToPath(new URL('..', import.meta.url)) }));
}

/** Capabilities in a user namespace do not count, and a control group may have no real-time budget: chrt(1) tells. */
function unavailable(): string | undefined {
  const lacking = missing({ capabilities: ['CAP_SYS_NICE', 'CAP_SETPCAP'], programs: ['setpriv', 'chrt'] });
  if (lacking !== undefined) return lacking;
  try {
    execFileSync('chrt', ['--rr', '5', 'true'], { stdio: 'ignore' });
    return undefined;
  } catch {
    console.warn('skipped: this machine lets nobody into SCHED_RR');
    return 'SCHED_RR is not permitted';
  }
}

const skip = unavailable();

describe.skipIf(skip)(`setRealtime${skip ? ` (${skip})` : ''}`, () => {
  test('with CAP_SYS_NICE the calling thread runs under SCHED_RR, and no other', () => {
    const program = `
      import { readFileSync, readdirSync } from 'node:fs';
      const policy = task => readFileSync('/proc/self/task/' + task + '/stat', 'utf8').split(') ')[1].split(' ')[38];
      const result = setRealtime(5);
      console.log(JSON.stringify([result, readdirSync('/proc/self/task').filter(task => policy(task) === '2').length]));`;
    expect(inChild([], program)).toEqual([{ granted: true }, 1]);
  });

  test('without, nothing changes and the reason is told', () => {
    const limited = ['setpriv', '--bounding-set', '-sys_nice', '--inh-caps', '-sys_nice'];
    expect(inChild(limited, 'console.log(JSON.stringify(setRealtime()))')).toEqual({
      granted: false,
      because: expect.stringContaining('CAP_SYS_NICE') as unknown,
    });
  });

  test('a priority out of range is no crash', () => {
    expect(inChild([], 'console.log(JSON.stringify(setRealtime(1000)))')).toEqual({ granted: false, because: 'EINVAL' });
  });
});
