#!/usr/bin/env -S node --import tsx
import { basename } from 'node:path';
import { Command } from 'commander';
import { registerCleanup } from './commands/cleanup.ts';
import { registerController } from './commands/controller.ts';
import { registerSpeaker } from './commands/speaker.ts';
import { registerDrain } from './drain/command.ts';
import { version } from './version.ts';

// kubectl runs the program `kubectl-herald` as `kubectl herald`.
const name = basename(process.argv[1] ?? '').startsWith('kubectl-herald') ? 'kubectl herald' : 'herald';
const program = new Command(name).description('Herald: a bare-metal LoadBalancer for Kubernetes').version(version).showHelpAfterError();
registerController(program);
registerSpeaker(program);
registerCleanup(program);
registerDrain(program);

// What brings much along is loaded only when it is called by name.
const called = process.argv[2];
if (called === 'migrate') (await import('./migrate/command.ts')).registerMigrate(program);
else program.command('migrate').description('writes the configuration of another load balancer as objects of Herald');
if (called === 'playground') (await import('@herald/playground')).registerPlayground(program);
else program.command('playground').description('a whole cluster, LAN and client on this machine, as network namespaces');

await program.parseAsync();
