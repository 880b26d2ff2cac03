import type { Command } from 'commander';
import { flag } from '../flag.ts';

interface Flags {
  pinDirectory: string;
}

/** `herald cleanup`: removes from this machine what a speaker leaves for its successor. */
export function registerCleanup(program: Command): void {
  const command = program
    .command('cleanup')
    .description('removes what speakers have pinned in the kernel of this machine, where one was killed and will not come back');
  flag(command, '--pin-directory <folder>', 'what the speakers were started with', '/sys/fs/bpf/herald');
  command.action(async ({ pinDirectory }: Flags) => {
    const { cleanupNode } = await import('@herald/speaker');
    const removed = cleanupNode(pinDirectory);
    for (const path of removed) process.stdout.write(`removed ${path}\n`);
    if (removed.length === 0) process.stdout.write(`nothing is pinned under ${pinDirectory}\n`);
  });
}
