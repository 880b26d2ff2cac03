import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Sandbox } from './sandbox.ts';

const able = spawnSync('unshare', [...(process.getuid?.() === 0 ? [] : ['-Ur']), '--mount', '--net', 'true']).status === 0;

describe.skipIf(!able)('Sandbox (skipped where namespaces may not be made)', () => {
  it('has namespaces of its own, tells failing commands, and leaves nothing', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sandbox-test-'));
    const sandbox = await Sandbox.start(directory);
    await sandbox.must(undefined, ['ip', 'netns', 'add', 'inside']);
    expect(spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout).not.toContain('inside');
    expect((await sandbox.exec('inside', ['ip', '-o', 'link'])).stdout).toMatch(/^1: lo:/);
    expect(await sandbox.exec('inside', ['sh', '-c', 'cat; exit 3'], { input: 'fed' })).toMatchObject({ code: 3, stdout: 'fed' });
    await expect(sandbox.must('inside', ['ip', 'link', 'set', 'nowhere', 'up'])).rejects.toMatchObject({ code: 'ECOMMAND' });
    const sleeper = sandbox.spawn('inside', ['sleep', '600']);
    const gone = once(sleeper, 'exit');
    await sandbox.stop();
    await gone;
    expect(existsSync(directory)).toBe(false);
  });
});
