#!/usr/bin/env -S node --import tsx
import { Command } from 'commander';
import { registerController } from './commands/controller.ts';
import { registerSpeaker } from './commands/speaker.ts';
import { version } from './version.ts';

const program = new Command('herald').description('Herald: a bare-metal LoadBalancer for Kubernetes').version(version).showHelpAfterError();
registerController(program);
registerSpeaker(program);

// The playground brings a whole cluster along, so it is loaded only when it is called by name.
if (process.argv[2] === 'playground') (await import('@herald/playground')).registerPlayground(program);
else program.command('playground').description('a whole cluster, LAN and client on this machine, as network namespaces');

await program.parseAsync();
